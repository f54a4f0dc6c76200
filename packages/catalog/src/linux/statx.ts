import type { StatFields } from '../listing/stat-fields.js';

/** Bytes of struct statx. */
export const STATX_BYTES = 256;

/** Basic fields and the time of birth. */
export const STATX_MASK = 0xfff;

/** Look at the link itself, and mount nothing to do so. */
export const STATX_ENTRY = 0x100 | 0x800;

/** Look at the descriptor itself (the path is empty). */
export const STATX_DESCRIPTOR = 0x1000;

const STATX_BTIME = 0x800;

/** Offsets in struct statx, the same on every architecture; all targets of Node on Linux here are little-endian. */
const AT = {
  mask: 0,
  links: 16,
  uid: 20,
  gid: 24,
  mode: 28,
  inode: 32,
  size: 40,
  blocks: 48,
  birth: 80,
  ctime: 96,
  mtime: 112,
  deviceMajor: 136,
  deviceMinor: 140,
} as const;

/** Copies the result of a statx call into `into`. */
export function readStatx(view: DataView, into: StatFields): void {
  into.mode = view.getUint16(AT.mode, true);
  into.uid = view.getUint32(AT.uid, true);
  into.gid = view.getUint32(AT.gid, true);
  into.links = view.getUint32(AT.links, true);
  into.device = view.getUint32(AT.deviceMajor, true) * 2 ** 20 + view.getUint32(AT.deviceMinor, true);
  into.inodeLow = view.getUint32(AT.inode, true);
  into.inodeHigh = view.getUint32(AT.inode + 4, true);
  into.size = readUint64(view, AT.size);
  into.allocated = readUint64(view, AT.blocks) * 512;
  into.mtimeSeconds = readInt64(view, AT.mtime);
  into.mtimeNanoseconds = view.getUint32(AT.mtime + 8, true);
  into.ctimeSeconds = readInt64(view, AT.ctime);
  into.ctimeNanoseconds = view.getUint32(AT.ctime + 8, true);
  into.hasBirth = (view.getUint32(AT.mask, true) & STATX_BTIME) !== 0;
  into.birthSeconds = readInt64(view, AT.birth);
  into.birthNanoseconds = view.getUint32(AT.birth + 8, true);
}

function readUint64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}

function readInt64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getInt32(at + 4, true) * 2 ** 32;
}
