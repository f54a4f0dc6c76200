import type { Attributes } from '../entry.js';
import { ENTRY, NO_BIRTH } from './packed-layout.js';
import { MINOR_DEVICE_BITS, STATX, STATX_BLOCK_BITS, STATX_BTIME, StatFields } from './stat-fields.js';

/** Latest whole second whose nanoseconds fit into 64 bits, in the year 2262; the earliest is as far before 1970. */
const LAST_SECOND = 9_223_372_035;

/**
 * Writes what stat told at an entry's place in a packed listing. Straight from struct to struct: through accessors,
 * which are too many for the compiler to inline, it took half as long again.
 */
export function packFields(view: DataView, at: number, { view: stat }: StatFields): void {
  view.setUint32(at + ENTRY.mode, stat.getUint16(STATX.mode, true));
  view.setUint32(at + ENTRY.uid, stat.getUint32(STATX.uid, true));
  view.setUint32(at + ENTRY.gid, stat.getUint32(STATX.gid, true));
  view.setUint32(at + ENTRY.links, 0);
  view.setUint32(at + ENTRY.links + 4, stat.getUint32(STATX.links, true));
  copyUint64(view, at + ENTRY.inode, stat, STATX.inode);
  copyUint64(view, at + ENTRY.size, stat, STATX.size);
  const blocks = stat.getUint32(STATX.blocks, true);
  const blocksHigh = stat.getUint32(STATX.blocks + 4, true);
  view.setUint32(
    at + ENTRY.allocated,
    (blocksHigh << STATX_BLOCK_BITS) | (blocks >>> (32 - STATX_BLOCK_BITS)),
  );
  view.setUint32(at + ENTRY.allocated + 4, blocks << STATX_BLOCK_BITS);
  packTime(view, at + ENTRY.mtime, stat, STATX.mtime);
  packTime(view, at + ENTRY.ctime, stat, STATX.ctime);
  if ((stat.getUint32(STATX.mask, true) & STATX_BTIME) !== 0) {
    packTime(view, at + ENTRY.birth, stat, STATX.birth);
  } else {
    view.setBigInt64(at + ENTRY.birth, NO_BIRTH);
  }
  const major = stat.getUint32(STATX.deviceMajor, true);
  view.setUint32(at + ENTRY.device, major >>> (32 - MINOR_DEVICE_BITS));
  view.setUint32(
    at + ENTRY.device + 4,
    (major << MINOR_DEVICE_BITS) | stat.getUint32(STATX.deviceMinor, true),
  );
}

const packed = new StatFields();

/** As {@link packFields}, from attributes that a catalog has. */
export function packAttributes(view: DataView, at: number, attributes: Attributes): void {
  packed.set(attributes);
  packFields(view, at, packed);
}

function copyUint64(view: DataView, at: number, stat: DataView, from: number): void {
  view.setUint32(at, stat.getUint32(from + 4, true));
  view.setUint32(at + 4, stat.getUint32(from, true));
}

/**
 * Writes seconds and nanoseconds as one 64-bit count of nanoseconds without a BigInt, three of which an entry would
 * be a third of the crawl. The low half is exact in 32-bit arithmetic; what the rounding of doubles does to the
 * rest (less than 2^9 of 2^32) disappears when the high half is rounded to a whole number.
 */
function packTime(view: DataView, at: number, stat: DataView, from: number): void {
  const seconds = stat.getUint32(from, true) + stat.getInt32(from + 4, true) * 2 ** 32;
  const nanoseconds = stat.getUint32(from + 8, true);
  const clamped = Math.max(-LAST_SECOND, Math.min(LAST_SECOND, seconds));
  const low = (Math.imul(clamped, 1_000_000_000) + nanoseconds) >>> 0;
  view.setInt32(at, Math.round((clamped * 1e9 + nanoseconds - low) / 2 ** 32));
  view.setUint32(at + 4, low);
}
