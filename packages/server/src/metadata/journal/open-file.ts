import { closeSync, fchmodSync, fstatSync, openSync, readSync, type Stats, writeSync } from 'node:fs';
import { decodeFrame, HEADER_BYTES, saltOf } from './codec.js';
import { journalPath } from './files.js';

/** A file of the journal that is appended to. */
export interface OpenFile {
  readonly first: number;
  readonly fd: number;
  readonly salt: Buffer;
  /** Where the last frame ends that this process knows of. */
  end: number;
  /** Up to here it is on the disk. */
  synced: number;
  /** Has bytes that are not synced yet. */
  dirty: boolean;
  syncing: boolean;
  /** How often bytes that never committed were cut off. */
  cuts: number;
}

/** Opens a file; `undefined` where it is missing, given up or has no header. */
export function openFile(directory: string, first: number): OpenFile | undefined {
  let fd: number;
  try {
    fd = openSync(journalPath(directory, first), 'r+');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // One that is given up can be written to by root alone.
    if (code === 'ENOENT' || code === 'EACCES') return undefined;
    throw error;
  }
  const header = Buffer.alloc(HEADER_BYTES);
  readSync(fd, header, 0, HEADER_BYTES, 0);
  const salt = saltOf(header);
  if (salt) return newFile(first, fd, salt);
  closeSync(fd);
  return undefined;
}

/** A file that has just been opened. */
export function newFile(first: number, fd: number, salt: Buffer): OpenFile {
  return { first, fd, salt, end: HEADER_BYTES, synced: 0, dirty: false, syncing: false, cuts: 0 };
}

/**
 * Has no process append to a file any more, of which a sync has failed: it may lack on the disk what can be read of it, and
 * what is written behind that too, and no later sync says so. A file that cannot be written to is one that every process
 * sees to be given up, also the one that starts next; and after a restart of the system it is enough to read the file.
 */
export function giveUp({ fd }: OpenFile): void {
  try {
    fchmodSync(fd, fstatSync(fd).mode & 0o555);
  } catch {
    // On a disk that has become read-only nobody appends anyway, and some file systems have no modes.
  }
}

/** Whether a process has given up a file. */
export function isGivenUp({ mode }: Stats): boolean {
  return (mode & 0o200) === 0;
}

/** Bytes that are looked at together. */
const CHECKED_BYTES = 1024 * 1024;

/**
 * Whether sound frames fill a file from `begin` to `end`. Its length says nothing after a power cut: file systems may
 * make a file longer before they write what stands there.
 */
export function areFrames({ fd, salt }: OpenFile, begin: number, end: number): boolean {
  let wanted = CHECKED_BYTES;
  for (let position = begin; position < end; ) {
    const bytes = Buffer.alloc(Math.min(wanted, end - position));
    if (readSync(fd, bytes, 0, bytes.length, position) < bytes.length) return false;
    wanted = CHECKED_BYTES;
    let offset = 0;
    while (offset < bytes.length) {
      const found = decodeFrame(bytes, offset, salt);
      if (found.kind === 'frame') offset = found.end;
      else if (found.kind === 'damaged' || position + bytes.length === end) return false;
      else {
        wanted = Math.max(wanted, found.needed);
        break;
      }
    }
    position += offset;
  }
  return true;
}

/** Writes bytes to a file at a position. */
export function writeFully(fd: number, bytes: Buffer, position: number): void {
  // A write to a file that is running out of room may be short; the next one then fails with ENOSPC.
  for (let written = 0; written < bytes.length; ) {
    written += writeSync(fd, bytes, written, bytes.length - written, position + written);
  }
}
