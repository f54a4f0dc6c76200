import type { DirectoryName, FileName } from '@filetracker/protocol';
import type { FileRecord } from '../metadata-store.js';
import { decodeFile, fileKey, nameOfKey } from './records.js';
import type { Table } from './table.js';

/** The newest version of a file. */
export function findNewest(files: Table, name: FileName): FileRecord | undefined {
  const value = files.get(fileKey(name));
  return value && decodeFile(name, value);
}

/** A range of keys of `files`; of `history` too, whose keys begin in the same way. */
export interface KeyRange {
  readonly start?: Buffer;
  /** Exclusive. */
  readonly end?: Buffer;
}

/** The range of keys below a directory, all keys for the root; only those from `start` on, if that is given. */
export function keysBelow(directory: DirectoryName, start?: Buffer): KeyRange {
  if (directory === '') return start ? { start } : {};
  const first = Buffer.from(`${directory}/`);
  // '0' is the character after '/'.
  const end = Buffer.from(`${directory}0`);
  return { start: start && Buffer.compare(start, first) > 0 ? start : first, end };
}

/** The newest versions of the files with keys in a range, in their order. */
export function* presentFiles(files: Table, range: KeyRange): Generator<FileRecord> {
  for (const { key, value } of files.getRange(range)) yield decodeFile(nameOfKey(key), value);
}
