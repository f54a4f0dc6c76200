import { type ByteName, nameFromBytes } from '../byte-path.js';

/*
 * Events as read(2) gives them from a fanotify group with FAN_REPORT_DFID_NAME, little-endian:
 *
 * event                            information record, behind metadata_len bytes, up to event_len
 *   0  u32  event_len                0  u8   type (InfoType)
 *   6  u16  metadata_len             2  u16  length of the record
 *   8  u64  mask                     4  8 bytes: fsid
 *  16  s32  descriptor (-1)         12  u32  handle_bytes
 *  20  s32  pid                     16  s32  handle_type
 *                                   20  the handle, then the name, closed by NUL
 */

/** Bits of the mask. */
export const FAN = {
  modify: 0x2,
  attrib: 0x4,
  closeWrite: 0x8,
  create: 0x100,
  delete: 0x200,
  overflow: 0x4000,
  rename: 0x1000_0000,
  onDirectory: 0x4000_0000,
} as const;

/** Types of information records. */
const InfoType = {
  directory: 3,
  directoryAndName: 2,
  oldDirectoryAndName: 10,
  newDirectoryAndName: 12,
} as const;

/** A directory and a name in it that an event tells of. */
export interface EventPlace {
  /** fsid and file handle of the directory, as the characters of a string: a key. */
  readonly handle: string;
  /** Empty for the directory itself. */
  readonly name: ByteName | '';
}

/** One event. */
export interface FanotifyEvent {
  readonly mask: number;
  /** Where; for a rename where it was; undefined where the kernel does not say. */
  readonly place: EventPlace | undefined;
  /** For a rename: where it is. */
  readonly target: EventPlace | undefined;
}

/** Bytes of fsid in front of the handle in {@link EventPlace.handle}. */
export const FSID_BYTES = 8;

/** The events in the bytes that one read gave. */
export function* parseEvents(bytes: Buffer): Generator<FanotifyEvent> {
  for (let at = 0; at + 24 <= bytes.length; ) {
    const end = at + bytes.readUInt32LE(at);
    // The upper half of the mask holds nothing.
    const mask = bytes.readUInt32LE(at + 8);
    let place: EventPlace | undefined;
    let target: EventPlace | undefined;
    for (let info = at + bytes.readUInt16LE(at + 6); info < end; info += bytes.readUInt16LE(info + 2)) {
      const type = bytes[info];
      if (type === InfoType.newDirectoryAndName) target = readPlace(bytes, info);
      else if (
        type === InfoType.directoryAndName ||
        type === InfoType.directory ||
        type === InfoType.oldDirectoryAndName
      )
        place = readPlace(bytes, info);
    }
    yield { mask, place, target };
    at = end;
  }
}

function readPlace(bytes: Buffer, info: number): EventPlace {
  const handleEnd = info + 20 + bytes.readUInt32LE(info + 12);
  const end = info + bytes.readUInt16LE(info + 2);
  const nul = bytes.indexOf(0, handleEnd);
  const name = bytes.subarray(handleEnd, nul >= 0 && nul < end ? nul : end);
  const isItself = name.length === 0 || (name.length === 1 && name[0] === 0x2e);
  return { handle: bytes.toString('latin1', info + 4, handleEnd), name: isItself ? '' : nameFromBytes(name) };
}
