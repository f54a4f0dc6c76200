import { type DirectoryName, type FileName, ProtocolError } from '@filetracker/protocol';
import type { FileRecord } from '../metadata-store.js';
import { decodeFile, fileKey, nameOfKey } from './records.js';
import type { Table } from './table.js';

/** The newest version of a file. */
export function findNewest(files: Table, name: FileName): FileRecord | undefined {
  const value = files.get(fileKey(name));
  return value && decodeFile(name, value);
}

/** Throws `name_conflict` if a new file of this name would be a directory too, or lie below a file. */
export function refuseConflict(files: Table, name: FileName): void {
  for (let slash = name.indexOf('/'); slash >= 0; slash = name.indexOf('/', slash + 1)) {
    const ancestor = name.slice(0, slash);
    if (files.doesExist(fileKey(ancestor))) {
      throw new ProtocolError('name_conflict', `"/${ancestor}" is a file, so nothing can be stored below it`);
    }
  }
  for (const _ of files.getKeys({ ...keysBelow(name), limit: 1 })) {
    throw new ProtocolError('name_conflict', `"/${name}" is a directory`);
  }
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
