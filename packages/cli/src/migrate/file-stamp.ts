import type { BigIntStats } from 'node:fs';
import { STATX, type StatFields } from '@filetracker/catalog/directories';

/**
 * What a file's inode says of its content: as long as that stays the same, the content does. 48 bytes, as they stand in
 * Linux's struct statx, little-endian:
 *
 *     inode : 8   size : 8   change time: seconds : 8  nanoseconds : 4  0 : 4   modification time: the same
 */
export type FileStamp = Buffer;

/** Length of a stamp in bytes. */
export const STAMP_BYTES = 48;

const AT = { inode: 0, size: 8, ctime: 16, mtime: 32 } as const;

/**
 * Times of files may be as coarse as this, in milliseconds: FAT counts in steps of 2 s. A file that was changed more
 * recently than that may change once more with the same times.
 */
const COARSEST_TIMES = 2500;

const NANOSECONDS = 1_000_000_000n;

export function stampOf({ size, mtimeNs, ctimeNs, ino }: BigIntStats): FileStamp {
  const stamp = Buffer.alloc(STAMP_BYTES);
  stamp.writeBigUInt64LE(ino, AT.inode);
  stamp.writeBigInt64LE(size, AT.size);
  writeTime(stamp, AT.ctime, ctimeNs);
  writeTime(stamp, AT.mtime, mtimeNs);
  return stamp;
}

/** Makes stamps of what a directory reader has looked at. */
export class StampMaker {
  readonly #identity: Uint8Array;
  readonly #times: Uint8Array;

  /** @param fields where the reader leaves what it sees */
  constructor({ bytes }: StatFields) {
    this.#identity = bytes.subarray(STATX.inode, STATX.inode + AT.ctime);
    this.#times = bytes.subarray(STATX.ctime, STATX.ctime + STAMP_BYTES - AT.ctime);
  }

  /** The stamp of what was looked at last. */
  make(): FileStamp {
    const stamp = Buffer.allocUnsafe(STAMP_BYTES);
    stamp.set(this.#identity);
    stamp.set(this.#times, AT.ctime);
    return stamp;
  }
}

/** A stamp with the same size and times that no file has: nothing is known again by it. */
export function withoutInode(stamp: FileStamp): FileStamp {
  const copy = Buffer.from(stamp);
  copy.fill(0, AT.inode, AT.inode + 8);
  return copy;
}

/** The file's size in bytes. */
export function sizeOf(stamp: FileStamp): number {
  return stamp.readUInt32LE(AT.size) + stamp.readUInt32LE(AT.size + 4) * 2 ** 32;
}

/** The file's modification time in whole seconds since 1970. */
export function modifiedOf(stamp: FileStamp): number {
  return stamp.readUInt32LE(AT.mtime) + stamp.readInt32LE(AT.mtime + 4) * 2 ** 32;
}

/** Splits so that the nanoseconds are not negative, also before 1970, as the kernel does. */
function writeTime(stamp: Buffer, at: number, time: bigint): void {
  const rest = ((time % NANOSECONDS) + NANOSECONDS) % NANOSECONDS;
  stamp.writeBigInt64LE((time - rest) / NANOSECONDS, at);
  stamp.writeUInt32LE(Number(rest), at + 8);
}

/**
 * Whether a change of the file after `now`, in milliseconds since 1970, would surely show in its stamp. The clock of
 * a file server that is late by less than the bound does no harm; times of the future never count as settled.
 */
export function isSettled({ mtimeNs, ctimeNs }: BigIntStats, now: number): boolean {
  const latest = mtimeNs > ctimeNs ? mtimeNs : ctimeNs;
  return latest < BigInt(now - COARSEST_TIMES) * 1_000_000n;
}
