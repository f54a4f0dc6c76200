import type { BigIntStats } from 'node:fs';

/**
 * What a file's inode says of its content: as long as that stays the same, the content does. 32 bytes: size,
 * modification and change time in nanoseconds, inode number.
 */
export type FileStamp = Buffer;

/** Length of a stamp in bytes. */
export const STAMP_BYTES = 32;

/**
 * Times of files may be as coarse as this, in milliseconds: FAT counts in steps of 2 s. A file that was changed more
 * recently than that may change once more with the same times.
 */
const COARSEST_TIMES = 2500;

export function stampOf({ size, mtimeNs, ctimeNs, ino }: BigIntStats): FileStamp {
  const stamp = Buffer.allocUnsafe(STAMP_BYTES);
  stamp.writeBigInt64LE(size, 0);
  stamp.writeBigInt64LE(mtimeNs, 8);
  stamp.writeBigInt64LE(ctimeNs, 16);
  stamp.writeBigUInt64LE(ino, 24);
  return stamp;
}

/**
 * Whether a change of the file after `now`, in milliseconds since 1970, would surely show in its stamp. The clock of
 * a file server that is late by less than the bound does no harm; times of the future never count as settled.
 */
export function isSettled({ mtimeNs, ctimeNs }: BigIntStats, now: number): boolean {
  const latest = mtimeNs > ctimeNs ? mtimeNs : ctimeNs;
  return latest < BigInt(now - COARSEST_TIMES) * 1_000_000n;
}
