import { type FileHandle, open } from 'node:fs/promises';
import { decodeFrame, FRAME_MAGIC, HEADER_BYTES, type JournalFrame, readHead, saltOf } from './codec.js';

/** One thing that stands in a journal file. */
export type JournalItem =
  | { readonly kind: 'frame'; readonly offset: number; readonly end: number; readonly frame: JournalFrame }
  /** Bytes that are no sound frame. From 0 on where the header of the file is damaged, so that nothing in it can be read. */
  | { readonly kind: 'damage'; readonly offset: number; readonly bytes: number };

/** A part of a journal file. */
export interface JournalPart {
  readonly items: readonly JournalItem[];
  /** Where the next part begins; the end when nothing was found. */
  readonly next: number;
}

/** Which part of a journal file is read. */
export interface PartRequest {
  readonly from: number;
  /** Nothing behind this offset is looked at; the end of the file if it is shorter. */
  readonly to: number;
}

/** Where the first frame of a file stands. */
export const FIRST_FRAME = HEADER_BYTES;

/** Bytes read at a time: frames of small changes are far shorter, so memory stays at about this. */
const PART_BYTES = 256 * 1024;

/**
 * Reads the frames that begin at an offset, a few hundred KiB of them. The file is open only meanwhile, so a slow
 * reader keeps neither it nor its room on the disk. Behind damage it goes on at the next sound frame. Throws
 * `ENOENT` when the file was dropped.
 */
export async function readPart(path: string, { from, to }: PartRequest): Promise<JournalPart> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const end = Math.min(size, to);
    const header = await readAt(handle, 0, Math.min(HEADER_BYTES, end));
    const salt = saltOf(header);
    if (!salt) {
      // A power cut leaves zeroes, since a header is written at once.
      const begin = header.some((byte) => byte !== 0) ? 0 : from;
      return { items: end > from ? [damage(begin, end)] : [], next: end };
    }
    for (let length = PART_BYTES; ; ) {
      const bytes = await readAt(handle, from, Math.max(0, Math.min(end - from, length)));
      const part = takeItems(bytes, salt, from, from + bytes.length >= end);
      if (part.items.length > 0 || bytes.length < length) return part;
      length = Math.max(part.needed, length * 2);
    }
  } finally {
    await handle.close();
  }
}

/** Bytes read at a time where only the heads of frames are wanted. */
const HEADS_BYTES = 64 * 1024;

/**
 * Where the frame with the change behind a number begins, or a place before it: frames are passed over by what their
 * heads say, which takes a fiftieth of the time of reading them. The search ends before damage. Throws `ENOENT` when
 * the file was dropped.
 */
export async function seekFrame(path: string, since: number, to: number): Promise<number> {
  const handle = await open(path, 'r');
  try {
    let passed = FIRST_FRAME;
    for (let begin = FIRST_FRAME; ; ) {
      const bytes = await readAt(handle, begin, Math.max(0, Math.min(HEADS_BYTES, to - begin)));
      let at = 0;
      let head = readHead(bytes, at);
      // A head that leads to something else than another one, or the end, is damaged.
      if (!head) return begin === Math.min(to, (await handle.stat()).size) ? begin : passed;
      for (; head && head.last <= since; head = readHead(bytes, at)) {
        passed = begin + at;
        at = head.end;
      }
      if (head) return begin + at;
      begin += at;
    }
  } finally {
    await handle.close();
  }
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

/** @param isLast whether no more bytes follow, so that a frame that is cut is damage */
function takeItems(
  bytes: Buffer,
  salt: Buffer,
  base: number,
  isLast: boolean,
): JournalPart & { readonly needed: number } {
  const items: JournalItem[] = [];
  /** Where damage began; `undefined` on sound ground. */
  let damagedFrom: number | undefined;
  let offset = 0;
  let needed = 0;
  while (offset < bytes.length) {
    const found = decodeFrame(bytes, offset, salt);
    if (found.kind === 'short' && !isLast) {
      needed = found.needed;
      break;
    }
    if (found.kind === 'frame') {
      if (damagedFrom !== undefined) items.push(damage(base + damagedFrom, base + offset));
      damagedFrom = undefined;
      items.push({ kind: 'frame', offset: base + offset, end: base + found.end, frame: found.frame });
      offset = found.end;
    } else {
      damagedFrom ??= offset;
      const candidate = bytes.indexOf(FRAME_MAGIC, offset + 1);
      offset = candidate < 0 ? bytes.length : candidate;
    }
  }
  if (damagedFrom === undefined) return { items, next: base + offset, needed };
  if (isLast) items.push(damage(base + damagedFrom, base + bytes.length));
  // The magic may be cut, or a frame behind the damage incomplete: read on from where the damage began.
  return { items, next: base + (isLast ? bytes.length : damagedFrom), needed: needed + offset };
}

function damage(from: number, to: number): JournalItem {
  return { kind: 'damage', offset: from, bytes: to - from };
}
