import { FRAME_BYTES, maxFrameLength } from '@filetracker/durable-fs/zstd-frame';

/**
 * How a frame begins that is kept as it comes (RFC 8878 §3.1.1). Numbers are little-endian:
 *
 *     magic 0xFD2FB528 : 4   descriptor : 1   size of the content : 1, 2, 4 or 8
 *
 * The descriptor says that the size is there and that the frame ends with a checksum, that there is neither a window of
 * its own (the content is the window) nor a dictionary, and how long the size is.
 */
const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];
const DESCRIPTOR = { mask: 0x3f, value: 0x24, sizeShift: 6 } as const;
const PREFIX_BYTES = MAGIC.length + 1;

/** Of two bytes, sizes count from here on: one byte has those before. */
const TWO_BYTES_FROM = 256;

const CHECKSUM_BYTES = 4;

/** What {@link frameHeader} makes of the beginning of a frame. */
export type FrameHeader =
  | { readonly kind: 'known'; readonly plain: number; readonly length: number }
  /** Any other frame, or none at all. */
  | { readonly kind: 'other' }
  /** More bytes are needed to tell. */
  | { readonly kind: 'incomplete' };

/** Tells whether a frame begins as those do that are kept, and then how long its content and its header are. */
export function frameHeader(bytes: Uint8Array): FrameHeader {
  if (MAGIC.some((byte, index) => index < bytes.byteLength && bytes[index] !== byte))
    return { kind: 'other' };
  const descriptor = bytes[MAGIC.length];
  if (descriptor === undefined) return { kind: 'incomplete' };
  if ((descriptor & DESCRIPTOR.mask) !== DESCRIPTOR.value) return { kind: 'other' };
  const sizeBytes = 1 << (descriptor >> DESCRIPTOR.sizeShift);
  const length = PREFIX_BYTES + sizeBytes;
  if (bytes.byteLength < length) return { kind: 'incomplete' };
  let plain = sizeBytes === 2 ? TWO_BYTES_FROM : 0;
  for (let index = 0; index < sizeBytes; index++) plain += (bytes[PREFIX_BYTES + index] ?? 0) * 256 ** index;
  if (plain === 0 || plain > FRAME_BYTES) return { kind: 'other' };
  return { kind: 'known', plain, length };
}

/** A block begins with three bytes: whether it is the last, its type, and how many bytes it has. */
const BLOCK_HEADER_BYTES = 3;
const REPEATED_BYTE = 1;
const RESERVED_TYPE = 3;

/** Finds the end of a frame from the lengths of its blocks, without decoding them. */
export class FrameExtent {
  readonly #limit: number;
  #length = 0;
  /** Bytes until the next block header, or the end. */
  #skip: number;
  #header = 0;
  #headerBytes = 0;
  #isLast = false;
  #isWrong = false;

  constructor({ plain, length }: Extract<FrameHeader, { kind: 'known' }>) {
    this.#limit = maxFrameLength(plain);
    this.#skip = length;
  }

  get isComplete(): boolean {
    return this.#isLast && this.#skip === 0;
  }

  /** Whether it is longer than any frame of so much content needs to be, or no frame at all. */
  get isWrong(): boolean {
    return this.#isWrong || this.#length + this.#skip > this.#limit;
  }

  /** Goes on with these bytes; returns how many of them belong to the frame, or were looked at when it went wrong. */
  pass(bytes: Uint8Array): number {
    let offset = 0;
    while (offset < bytes.byteLength && !this.isComplete && !this.isWrong) {
      if (this.#skip > 0) {
        const passed = Math.min(this.#skip, bytes.byteLength - offset);
        this.#skip -= passed;
        this.#length += passed;
        offset += passed;
      } else {
        this.#header += (bytes[offset] ?? 0) << (8 * this.#headerBytes++);
        this.#length++;
        offset++;
        if (this.#headerBytes === BLOCK_HEADER_BYTES) this.#beginBlock();
      }
    }
    return offset;
  }

  #beginBlock(): void {
    const type = (this.#header >> 1) & 3;
    this.#isLast = (this.#header & 1) === 1;
    this.#isWrong = type === RESERVED_TYPE;
    const bytes = type === REPEATED_BYTE ? 1 : this.#header >> 3;
    this.#skip = this.#isLast ? bytes + CHECKSUM_BYTES : bytes;
    this.#header = 0;
    this.#headerBytes = 0;
  }
}
