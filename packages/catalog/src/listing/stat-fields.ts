import type { Attributes } from '../entry.js';

/** The type of a directory, without permissions. */
const DIRECTORY_MODE = 0o040000;

/** Bytes of struct statx. */
const STATX_BYTES = 256;

/** Offsets in struct statx (linux/stat.h), the same on every architecture. Times are i64 seconds and u32 nanoseconds. */
export const STATX = {
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

/** By a name that is not exported, for the compiler: see pack-fields.ts. */
const AT = STATX;

/** Bit of the mask that says that the time of birth is told. */
export const STATX_BTIME = 0x800;

/** The same as a power of two. */
export const STATX_BLOCK_BITS = 9;
/** What `blocks` counts, in bytes. */
export const STATX_BLOCK = 2 ** STATX_BLOCK_BITS;

/** Devices are numbered major * 2^this + minor. */
export const MINOR_DEVICE_BITS = 20;
const MINOR_DEVICES = 2 ** MINOR_DEVICE_BITS;

/**
 * The result of one stat call, laid out as Linux's struct statx: the kernel writes it here, and what needs few fields
 * reads them where they stand, for a million entries must not make a million objects. All targets of Node on Linux
 * are little-endian.
 */
export class StatFields {
  /** The struct; memory that does not move. */
  readonly bytes = new Uint8Array(new ArrayBuffer(STATX_BYTES));
  readonly view = new DataView(this.bytes.buffer);
  /** The same as 32-bit numbers: reading one takes less time than through the view, to compile and to run. */
  readonly words = new Uint32Array(this.bytes.buffer);

  get mode(): number {
    return (this.words[AT.mode >> 2] ?? 0) & 0xffff;
  }

  get links(): number {
    return this.words[AT.links >> 2] ?? 0;
  }

  get device(): number {
    const { words } = this;
    return (words[AT.deviceMajor >> 2] ?? 0) * MINOR_DEVICES + (words[AT.deviceMinor >> 2] ?? 0);
  }

  get inode(): bigint {
    return this.view.getBigInt64(AT.inode, true);
  }

  get size(): number {
    const { words } = this;
    return (words[AT.size >> 2] ?? 0) + (words[(AT.size >> 2) + 1] ?? 0) * 2 ** 32;
  }

  /** Bytes on the disk. */
  get allocated(): number {
    const { words } = this;
    const low = words[AT.blocks >> 2] ?? 0;
    return (low + (words[(AT.blocks >> 2) + 1] ?? 0) * 2 ** 32) * STATX_BLOCK;
  }

  /** Says that this is a directory of which nothing else could be learned; its inode number is then 0, as none's is. */
  setUnknownDirectory(): void {
    this.bytes.fill(0);
    this.view.setUint16(STATX.mode, DIRECTORY_MODE, true);
  }

  /** Fills the struct where the kernel does not. */
  set(attributes: Attributes): void {
    const { view } = this;
    const { mode, uid, gid, links, device, inode, size, allocated, mtimeNs, ctimeNs, bornNs } = attributes;
    view.setUint32(STATX.mask, bornNs === null ? 0 : STATX_BTIME, true);
    view.setUint16(STATX.mode, mode, true);
    view.setUint32(STATX.uid, uid, true);
    view.setUint32(STATX.gid, gid, true);
    view.setUint32(STATX.links, links, true);
    view.setUint32(STATX.deviceMajor, Math.floor(device / MINOR_DEVICES), true);
    view.setUint32(STATX.deviceMinor, device % MINOR_DEVICES, true);
    view.setBigInt64(STATX.inode, inode, true);
    view.setBigInt64(STATX.size, BigInt(size), true);
    view.setBigInt64(STATX.blocks, BigInt(allocated / STATX_BLOCK), true);
    setTime(view, STATX.mtime, mtimeNs);
    setTime(view, STATX.ctime, ctimeNs);
    setTime(view, STATX.birth, bornNs ?? 0n);
  }
}

const NANOSECONDS = 1_000_000_000n;

/** Splits so that the nanoseconds are not negative, also before 1970, as the kernel does. */
function setTime(view: DataView, at: number, time: bigint): void {
  const rest = ((time % NANOSECONDS) + NANOSECONDS) % NANOSECONDS;
  view.setBigInt64(at, (time - rest) / NANOSECONDS, true);
  view.setUint32(at + 8, Number(rest), true);
}
