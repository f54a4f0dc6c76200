import type { Dirent, Stats } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type DirectoryName,
  type FileName,
  MAX_VERSION,
  parseFileName,
  toVersion,
} from '@filetracker/protocol';
import type { FileStat } from './data-store.js';
import { NotADirectoryError } from './errors.js';

/** Reads a stored file's description off the disk; undefined for what is no stored file. */
export function toFileStat(name: FileName, stats: Stats): FileStat | undefined {
  const seconds = Math.floor(stats.mtimeMs / 1000);
  // Times outside the protocol's years cannot have been set by a Filetracker client.
  if (!stats.isFile() || seconds < 0 || seconds > MAX_VERSION) return undefined;
  return { name, version: toVersion(seconds), size: stats.size };
}

/** Whether a file system call failed because there is no such file (or only a file where a directory should be). */
export function isMissing(error: unknown): boolean {
  return hasCode(error, ['ENOENT', 'ENOTDIR']);
}

/** Whether a file system call failed because a file is where a directory should be, or the other way round. */
export function isConflict(error: unknown): boolean {
  return hasCode(error, ['EISDIR', 'ENOTDIR', 'EEXIST', 'ENOTEMPTY']);
}

function hasCode(error: unknown, codes: readonly string[]): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code !== undefined && codes.includes(code);
}

/**
 * The names of the files in and below a directory of a tree; the tree itself may be missing. Files whose names
 * the protocol does not allow are passed over. Throws `NotADirectoryError`.
 */
export async function* listTree(root: string, directory: DirectoryName): AsyncGenerator<FileName> {
  const entries = await opendir(join(root, directory)).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (entries) yield* below(root, directory, entries);
  else if (directory !== '') throw new NotADirectoryError(directory);
}

async function* below(
  root: string,
  directory: DirectoryName,
  entries: AsyncIterable<Dirent>,
): AsyncGenerator<FileName> {
  for await (const entry of entries) {
    const path = directory === '' ? entry.name : `${directory}/${entry.name}`;
    const name = readName(path);
    if (!name) continue;
    if (entry.isFile()) yield name;
    if (!entry.isDirectory()) continue;
    // Removed since it was listed: there is nothing in it to show.
    const inside = await opendir(join(root, name)).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (inside) yield* below(root, name, inside);
  }
}

function readName(path: string): FileName | undefined {
  try {
    return parseFileName(path);
  } catch {
    return undefined;
  }
}
