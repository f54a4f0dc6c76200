import { ENTRY, NO_BIRTH } from './packed-layout.js';
import type { StatFields } from './stat-fields.js';

/** Latest whole second whose nanoseconds fit into 64 bits, in the year 2262; the earliest is as far before 1970. */
const LAST_SECOND = 9_223_372_035;

/** Writes what stat told at an entry's place in a packed listing. */
export function packFields(view: DataView, at: number, stat: StatFields): void {
  view.setUint32(at + ENTRY.mode, stat.mode, true);
  view.setUint32(at + ENTRY.inode, stat.inodeLow, true);
  view.setUint32(at + ENTRY.inode + 4, stat.inodeHigh, true);
  view.setFloat64(at + ENTRY.size, stat.size, true);
  view.setFloat64(at + ENTRY.allocated, stat.allocated, true);
  packTime(view, at + ENTRY.mtime, stat.mtimeSeconds, stat.mtimeNanoseconds);
  packTime(view, at + ENTRY.ctime, stat.ctimeSeconds, stat.ctimeNanoseconds);
  if (stat.hasBirth) packTime(view, at + ENTRY.birth, stat.birthSeconds, stat.birthNanoseconds);
  else view.setBigInt64(at + ENTRY.birth, NO_BIRTH, true);
  view.setUint32(at + ENTRY.uid, stat.uid, true);
  view.setUint32(at + ENTRY.gid, stat.gid, true);
  view.setUint32(at + ENTRY.links, stat.links, true);
  view.setUint32(at + ENTRY.links + 4, 0, true);
  view.setFloat64(at + ENTRY.device, stat.device, true);
}

/**
 * Writes seconds and nanoseconds as one 64-bit count of nanoseconds without a BigInt, three of which an entry would
 * be a third of the crawl. The low half is exact in 32-bit arithmetic; what the rounding of doubles does to the
 * rest (less than 2^9 of 2^32) disappears when the high half is rounded to a whole number.
 */
function packTime(view: DataView, at: number, seconds: number, nanoseconds: number): void {
  const clamped = Math.max(-LAST_SECOND, Math.min(LAST_SECOND, seconds));
  const low = (Math.imul(clamped, 1_000_000_000) + nanoseconds) >>> 0;
  view.setUint32(at, low, true);
  view.setInt32(at + 4, Math.round((clamped * 1e9 + nanoseconds - low) / 2 ** 32), true);
}
