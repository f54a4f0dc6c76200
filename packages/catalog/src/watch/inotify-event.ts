import { type ByteName, nameFromBytes } from '../byte-path.js';

/*
 * Events as read(2) gives them from inotify, little-endian:
 *   0  s32  watch    4  u32  mask    8  u32  cookie of a rename    12  u32  length of the name, padded with NULs
 *  16  the name
 */

/** Bits of the mask. */
export const IN = {
  modify: 0x2,
  attrib: 0x4,
  closeWrite: 0x8,
  movedFrom: 0x40,
  movedTo: 0x80,
  create: 0x100,
  delete: 0x200,
  deleteSelf: 0x400,
  moveSelf: 0x800,
  unmount: 0x2000,
  overflow: 0x4000,
  ignored: 0x8000,
  onlyDirectory: 0x0100_0000,
  dontFollow: 0x0200_0000,
  isDirectory: 0x4000_0000,
} as const;

/** One event. */
export interface InotifyEvent {
  readonly watch: number;
  readonly mask: number;
  readonly cookie: number;
  /** Empty for the watched directory itself. */
  readonly name: ByteName | '';
}

/** The events in the bytes that one read gave. */
export function* parseInotifyEvents(bytes: Buffer): Generator<InotifyEvent> {
  for (let at = 0; at + 16 <= bytes.length; ) {
    const end = at + 16 + bytes.readUInt32LE(at + 12);
    const nul = bytes.indexOf(0, at + 16);
    const name = bytes.subarray(at + 16, nul >= 0 && nul < end ? nul : end);
    yield {
      watch: bytes.readInt32LE(at),
      mask: bytes.readUInt32LE(at + 4),
      cookie: bytes.readUInt32LE(at + 8),
      name: name.length === 0 ? '' : nameFromBytes(name),
    };
    at = end;
  }
}
