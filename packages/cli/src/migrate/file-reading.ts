import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { ContentHash } from '@filetracker/durable-fs';
import type { Digest } from '@filetracker/protocol';
import { systemReason } from '../output/system-reason.js';
import { type FileStamp, isSettled, modifiedOf, stampOf, withoutInode } from './file-stamp.js';
import { SMALL } from './small-file.js';

/** What is in a file, or why that cannot be told. */
export type FileReport = FileFound | { readonly error: string };

/** What is in a file. */
export interface FileFound {
  /** Whole seconds since 1970. */
  readonly modified: number;
  /** In bytes. */
  readonly size: number;
  readonly digest: Digest;
  /** By which it is known again; without an inode where it may still change without that showing. */
  readonly stamp: FileStamp;
  /** The content, if it is small. */
  readonly bytes: Uint8Array | undefined;
}

/** How often a file that changes while it is read is read again. */
const ATTEMPTS = 5;

const buffer = Buffer.allocUnsafe(1024 * 1024);

/**
 * Reads and hashes a file on this thread: 15 µs for a small one, a second for a gigabyte. Undefined for one of more than
 * `limit` bytes.
 */
export function readFile(path: string, limit = Number.POSITIVE_INFINITY): FileReport | undefined {
  try {
    // A pipe that takes the file's place meanwhile must not make this wait for its other end.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const report = readStable(fd, limit);
        if (report !== 'changed') return report;
      }
      return { error: 'it keeps changing while it is read' };
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    return { error: `it cannot be read (${systemReason(error)})` };
  }
}

function readStable(fd: number, limit: number): FileReport | undefined | 'changed' {
  const before = fstatSync(fd, { bigint: true });
  if (!before.isFile()) return { error: 'it is no plain file any more' };
  const size = Number(before.size);
  if (size > limit) return undefined;
  const hash = new ContentHash();
  while (hash.size < size) {
    const length = readSync(fd, buffer, 0, buffer.length, hash.size);
    if (length === 0) return 'changed';
    hash.update(buffer.subarray(0, length));
  }
  const now = Date.now();
  if (!isSame(before, fstatSync(fd, { bigint: true })) || hash.size !== size) return 'changed';
  const stamp = stampOf(before);
  return {
    modified: modifiedOf(stamp),
    size,
    digest: hash.digest(),
    stamp: isSettled(before, now) ? stamp : withoutInode(stamp),
    bytes: size <= SMALL ? Uint8Array.from(buffer.subarray(0, size)) : undefined,
  };
}

function isSame(before: BigIntStats, after: BigIntStats): boolean {
  return before.size === after.size && before.mtimeNs === after.mtimeNs && before.ctimeNs === after.ctimeNs;
}
