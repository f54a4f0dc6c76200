import {
  type DirectoryReader,
  entryType,
  errorWords,
  type NameBytes,
  openReader,
  parseBytePath,
  StatFields,
  SystemCallError,
} from '@filetracker/catalog/directories';
import type { Exclusion } from './exclusions.js';
import { StampMaker } from './file-stamp.js';
import { isAscii, type TreeEntry, type WalkRules } from './walk-tree.js';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** How a tree of plain files is walked: their names are those on the disk. */
export function plainTree(isExcluded: Exclusion): WalkRules {
  const lister = new DirectoryLister(openReader('auto'));
  return { list: (path) => lister.list(path), decodeName, noName: 'its name is no UTF-8', isExcluded };
}

/** Lists directories. All but directories are looked at. */
class DirectoryLister {
  readonly #stat = new StatFields();
  readonly #stamps = new StampMaker(this.#stat);
  /** Where names stand, and the same as a buffer. */
  #names: { readonly source: Uint8Array; readonly buffer: Buffer } | undefined;

  constructor(private readonly reader: DirectoryReader) {}

  /** What is in a directory. Throws where it cannot be read. */
  list(path: string): readonly TreeEntry[] {
    const entries: TreeEntry[] = [];
    try {
      this.reader.open(parseBytePath(path), this.#stat);
      this.reader.list((name, type) => {
        const bytes = this.#bytesOf(name);
        entries.push(type === 'directory' ? { bytes, isDirectory: true } : this.#look(name, bytes));
      });
    } catch (error) {
      throw explained(error);
    } finally {
      this.reader.close();
    }
    return entries;
  }

  #bytesOf({ source, offset, length }: NameBytes): string {
    if (this.#names?.source !== source)
      this.#names = { source, buffer: Buffer.from(source.buffer, source.byteOffset) };
    return this.#names.buffer.toString('latin1', offset, offset + length);
  }

  /** Looks at an entry that is no directory, or not known to be one. */
  #look(name: NameBytes, bytes: string): TreeEntry {
    try {
      this.reader.lookAt(name, this.#stat);
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
      // It is gone, or the disk is damaged: whoever reads it will see.
      return { bytes, isDirectory: false };
    }
    const type = entryType(this.#stat.mode);
    if (type === 'file') return { bytes, isDirectory: false, stamp: this.#stamps.make() };
    if (type === 'directory') return { bytes, isDirectory: true };
    const refusal = `it is ${KINDS[type] ?? 'a device'}, which the store cannot hold`;
    return { bytes, isDirectory: false, refusal };
  }
}

const KINDS: Readonly<Record<string, string>> = {
  symlink: 'a symbolic link',
  socket: 'a socket',
  fifo: 'a named pipe',
};

function explained(error: unknown): unknown {
  if (!(error instanceof SystemCallError)) return error;
  return new Error(errorWords(error.errno), { cause: error });
}

function decodeName(bytes: string): string | undefined {
  if (isAscii(bytes)) return bytes;
  try {
    return utf8.decode(Buffer.from(bytes, 'latin1'));
  } catch {
    return undefined;
  }
}
