import { getSystemErrorMap } from 'node:util';
import {
  type DirectoryReader,
  entryType,
  type NameBytes,
  openReader,
  parseBytePath,
  StatFields,
  SystemCallError,
} from '@filetracker/catalog/directories';
import type { Exclusion } from './exclusions.js';
import { stampOfFields } from './file-stamp.js';
import { isAscii, type TreeEntry, type WalkRules } from './walk-tree.js';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** How a tree of plain files is walked: their names are those on the disk. */
export function plainTree(isExcluded: Exclusion): WalkRules {
  const reader = openReader('auto');
  const stat = new StatFields();
  return {
    list: (path) => listDirectory(reader, path, stat),
    decodeName,
    noName: 'its name is no UTF-8',
    isExcluded,
  };
}

/** What is in a directory; all but directories are looked at. Throws where it cannot be read. */
function listDirectory(reader: DirectoryReader, path: string, stat: StatFields): readonly TreeEntry[] {
  const entries: TreeEntry[] = [];
  let view: { readonly source: Uint8Array; readonly buffer: Buffer } | undefined;
  try {
    reader.open(parseBytePath(path), stat);
    reader.list((name, type) => {
      const { source, offset, length } = name;
      if (source !== view?.source) view = { source, buffer: Buffer.from(source.buffer, source.byteOffset) };
      const bytes = view.buffer.toString('latin1', offset, offset + length);
      entries.push(type === 'directory' ? { bytes, isDirectory: true } : look(bytes, name, reader, stat));
    });
  } catch (error) {
    throw explained(error);
  } finally {
    reader.close();
  }
  return entries;
}

/** What a look at an entry that is no directory, or not known to be one, says. */
function look(bytes: string, name: NameBytes, reader: DirectoryReader, stat: StatFields): TreeEntry {
  try {
    reader.lookAt(name, stat);
  } catch (error) {
    if (!(error instanceof SystemCallError)) throw error;
    // It is gone, or the disk is damaged: whoever reads it will see.
    return { bytes, isDirectory: false };
  }
  const type = entryType(stat.mode);
  if (type === 'file') return { bytes, isDirectory: false, stamp: stampOfFields(stat) };
  if (type === 'directory') return { bytes, isDirectory: true };
  return {
    bytes,
    isDirectory: false,
    refusal: `it is ${KINDS[type] ?? 'a device'}, which the store cannot hold`,
  };
}

const KINDS: Readonly<Record<string, string>> = {
  symlink: 'a symbolic link',
  socket: 'a socket',
  fifo: 'a named pipe',
};

function explained(error: unknown): unknown {
  if (!(error instanceof SystemCallError)) return error;
  const [code = 'unknown error', text = ''] = getSystemErrorMap().get(-error.errno) ?? [];
  return new Error(`${code}: ${text}`, { cause: error });
}

function decodeName(bytes: string): string | undefined {
  if (isAscii(bytes)) return bytes;
  try {
    return utf8.decode(Buffer.from(bytes, 'latin1'));
  } catch {
    return undefined;
  }
}
