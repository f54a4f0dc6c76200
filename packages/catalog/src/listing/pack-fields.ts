import type { Attributes } from '../entry.js';
import { ENTRY, NO_BIRTH } from './packed-layout.js';
import { MINOR_DEVICE_BITS, STATX, STATX_BLOCK_BITS, STATX_BTIME, StatFields } from './stat-fields.js';

/**
 * By names of this module: what is imported is a variable to the compiler, and each use a look-up. Packing takes half
 * of the time.
 */
const TO = ENTRY;
const FROM = STATX;

/** Latest whole second whose nanoseconds fit into 64 bits, in the year 2262; the earliest is as far before 1970. */
const LAST_SECOND = 9_223_372_035;

/**
 * Writes what stat told at an entry's place in a packed listing. Straight from struct to struct: through accessors,
 * which are too many for the compiler to inline, it took half as long again.
 */
export function packFields(view: DataView, at: number, { words }: StatFields): void {
  view.setUint32(at + TO.mode, (words[FROM.mode >> 2] ?? 0) & 0xffff);
  view.setUint32(at + TO.uid, words[FROM.uid >> 2] ?? 0);
  view.setUint32(at + TO.gid, words[FROM.gid >> 2] ?? 0);
  view.setUint32(at + TO.links, 0);
  view.setUint32(at + TO.links + 4, words[FROM.links >> 2] ?? 0);
  view.setUint32(at + TO.inode, words[(FROM.inode >> 2) + 1] ?? 0);
  view.setUint32(at + TO.inode + 4, words[FROM.inode >> 2] ?? 0);
  view.setUint32(at + TO.size, words[(FROM.size >> 2) + 1] ?? 0);
  view.setUint32(at + TO.size + 4, words[FROM.size >> 2] ?? 0);
  const blocks = words[FROM.blocks >> 2] ?? 0;
  const blocksHigh = words[(FROM.blocks >> 2) + 1] ?? 0;
  view.setUint32(at + TO.allocated, (blocksHigh << STATX_BLOCK_BITS) | (blocks >>> (32 - STATX_BLOCK_BITS)));
  view.setUint32(at + TO.allocated + 4, blocks << STATX_BLOCK_BITS);
  packTime(view, at + TO.mtime, words, FROM.mtime >> 2);
  packTime(view, at + TO.ctime, words, FROM.ctime >> 2);
  if (((words[FROM.mask >> 2] ?? 0) & STATX_BTIME) !== 0) {
    packTime(view, at + TO.birth, words, FROM.birth >> 2);
  } else {
    view.setBigInt64(at + TO.birth, NO_BIRTH);
  }
  const major = words[FROM.deviceMajor >> 2] ?? 0;
  view.setUint32(at + TO.device, major >>> (32 - MINOR_DEVICE_BITS));
  view.setUint32(at + TO.device + 4, (major << MINOR_DEVICE_BITS) | (words[FROM.deviceMinor >> 2] ?? 0));
}

const packed = new StatFields();

/** As {@link packFields}, from attributes that a catalog has. */
export function packAttributes(view: DataView, at: number, attributes: Attributes): void {
  packed.set(attributes);
  packFields(view, at, packed);
}

/**
 * Writes seconds and nanoseconds as one 64-bit count of nanoseconds without a BigInt, three of which an entry would
 * be a third of the crawl. The low half is exact in 32-bit arithmetic; what the rounding of doubles does to the
 * rest (less than 2^9 of 2^32) disappears when the high half is rounded to a whole number.
 */
function packTime(view: DataView, at: number, words: Uint32Array, from: number): void {
  const seconds = (words[from] ?? 0) + ((words[from + 1] ?? 0) | 0) * 2 ** 32;
  const nanoseconds = words[from + 2] ?? 0;
  const clamped = Math.max(-LAST_SECOND, Math.min(LAST_SECOND, seconds));
  const low = (Math.imul(clamped, 1_000_000_000) + nanoseconds) >>> 0;
  view.setInt32(at, Math.round((clamped * 1e9 + nanoseconds - low) / 2 ** 32));
  view.setUint32(at + 4, low);
}
