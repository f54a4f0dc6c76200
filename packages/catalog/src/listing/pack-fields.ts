import { ENTRY, NO_BIRTH } from './packed-layout.js';
import { MINOR_DEVICES, STATX, STATX_BLOCK, STATX_BTIME, type StatFields } from './stat-fields.js';

/** Latest whole second whose nanoseconds fit into 64 bits, in the year 2262; the earliest is as far before 1970. */
const LAST_SECOND = 9_223_372_035;

/**
 * Writes what stat told at an entry's place in a packed listing. Straight from struct to struct: through accessors,
 * which are too many for the compiler to inline, it took half as long again.
 */
export function packFields(view: DataView, at: number, { view: stat }: StatFields): void {
  view.setUint32(at + ENTRY.mode, stat.getUint16(STATX.mode, true), true);
  view.setUint32(at + ENTRY.inode, stat.getUint32(STATX.inode, true), true);
  view.setUint32(at + ENTRY.inode + 4, stat.getUint32(STATX.inode + 4, true), true);
  view.setFloat64(at + ENTRY.size, getUint64(stat, STATX.size), true);
  view.setFloat64(at + ENTRY.allocated, getUint64(stat, STATX.blocks) * STATX_BLOCK, true);
  packTime(view, at + ENTRY.mtime, stat, STATX.mtime);
  packTime(view, at + ENTRY.ctime, stat, STATX.ctime);
  if ((stat.getUint32(STATX.mask, true) & STATX_BTIME) !== 0) {
    packTime(view, at + ENTRY.birth, stat, STATX.birth);
  } else {
    view.setBigInt64(at + ENTRY.birth, NO_BIRTH, true);
  }
  view.setUint32(at + ENTRY.uid, stat.getUint32(STATX.uid, true), true);
  view.setUint32(at + ENTRY.gid, stat.getUint32(STATX.gid, true), true);
  view.setUint32(at + ENTRY.links, stat.getUint32(STATX.links, true), true);
  view.setUint32(at + ENTRY.links + 4, 0, true);
  const major = stat.getUint32(STATX.deviceMajor, true);
  view.setFloat64(at + ENTRY.device, major * MINOR_DEVICES + stat.getUint32(STATX.deviceMinor, true), true);
}

function getUint64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
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
  view.setUint32(at, low, true);
  view.setInt32(at + 4, Math.round((clamped * 1e9 + nanoseconds - low) / 2 ** 32), true);
}
