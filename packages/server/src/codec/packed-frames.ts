import { ZstdDecoder } from '@filetracker/durable-fs';
import { FRAME_BYTES } from '@filetracker/durable-fs/zstd-frame';
import { FrameExtent, type FrameHeader, frameHeader } from './frame-extent.js';
import { Parts } from './parts.js';

/** A frame that may be stored as it has come, once it is known to hold what it should. */
export class PackedFrame {
  /**
   * @param plain length of the content in bytes
   * @param parts the frame as it has come
   */
  constructor(
    readonly plain: number,
    private readonly parts: Parts,
  ) {}

  /** Length of the frame in bytes. */
  get byteLength(): number {
    return this.parts.length;
  }

  /** Moves the frame into `memory`, which is exactly as long. */
  takeInto(memory: Uint8Array): Uint8Array {
    return this.parts.takeInto(memory);
  }

  /** The frame, piece by piece. */
  take(): readonly Uint8Array[] {
    return this.parts.take();
  }
}

/**
 * Reads a body of zstd frames. Those that are cut as the store cuts contents come as they are: frames of
 * {@link FRAME_BYTES} of content where they begin at a multiple of that, and behind at least one of them a shorter one as
 * the last thing of the body. Everything else is decoded. Holds no more than one such frame. Throws as `decodeZstd`.
 */
export async function* packedFrames(
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array | PackedFrame, void> {
  const splitter = new Splitter();
  for await (const chunk of body) yield* splitter.add(chunk);
  yield* splitter.end();
}

/** A frame that may come as it is, while it arrives. */
interface Candidate {
  readonly header: Extract<FrameHeader, { kind: 'known' }>;
  readonly extent: FrameExtent;
  readonly parts: Parts;
}

type Pieces = Generator<Uint8Array | PackedFrame, void>;

class Splitter {
  readonly #decoder = new ZstdDecoder();
  /** The beginning of a frame, too short to tell what it is. */
  #beginning: Uint8Array = new Uint8Array(0);
  #candidate: Candidate | undefined;
  /** A short frame: to be handed out as it is if nothing follows. */
  #short: PackedFrame | undefined;
  #isEmpty = true;
  /** Bytes of content so far. */
  #position = 0;

  *add(chunk: Uint8Array): Pieces {
    let rest = chunk;
    while (rest.byteLength > 0) {
      if (this.#short) yield* this.#decodeShort(this.#short);
      if (this.#decoder.isInsideFrame) rest = yield* this.#decode(rest);
      else if (this.#candidate) rest = yield* this.#collect(this.#candidate, rest);
      else rest = yield* this.#begin(rest);
    }
  }

  *end(): Pieces {
    // The decoder says what is wrong with what is no beginning of a frame.
    if (this.#beginning.byteLength > 0) yield* this.#decode(this.#beginning);
    if (this.#isEmpty || this.#candidate || this.#decoder.isInsideFrame)
      throw new Error('zstd stream ends inside a frame');
    if (this.#short) yield this.#short;
  }

  *#begin(bytes: Uint8Array): Generator<Uint8Array, Uint8Array> {
    this.#isEmpty = false;
    const all = this.#beginning.byteLength > 0 ? Buffer.concat([this.#beginning, bytes]) : bytes;
    const header = frameHeader(all);
    if (header.kind === 'incomplete') {
      this.#beginning = all;
      return all.subarray(all.byteLength);
    }
    this.#beginning = new Uint8Array(0);
    if (header.kind === 'other' || !this.#mayStay(header.plain)) return yield* this.#decode(all);
    this.#candidate = { header, extent: new FrameExtent(header), parts: new Parts() };
    return all;
  }

  #mayStay(plain: number): boolean {
    return this.#position % FRAME_BYTES === 0 && (plain === FRAME_BYTES || this.#position > 0);
  }

  *#collect(
    { header, extent, parts }: Candidate,
    bytes: Uint8Array,
  ): Generator<Uint8Array | PackedFrame, Uint8Array> {
    const taken = extent.pass(bytes);
    parts.add(bytes.subarray(0, taken));
    const rest = bytes.subarray(taken);
    if (extent.isWrong) {
      this.#candidate = undefined;
      yield* this.#decodeParts(parts.take());
    } else if (extent.isComplete) {
      this.#candidate = undefined;
      const frame = new PackedFrame(header.plain, parts);
      if (header.plain === FRAME_BYTES) {
        this.#position += header.plain;
        yield frame;
      } else this.#short = frame;
    }
    return rest;
  }

  *#decodeShort(short: PackedFrame): Generator<Uint8Array, void> {
    this.#short = undefined;
    yield* this.#decodeParts(short.take());
  }

  *#decodeParts(parts: readonly Uint8Array[]): Generator<Uint8Array, void> {
    for (const part of parts) {
      for (let rest = part; rest.byteLength > 0; ) rest = yield* this.#decode(rest);
    }
  }

  /** Decodes up to the end of a frame; returns what stands behind it. */
  *#decode(bytes: Uint8Array): Generator<Uint8Array, Uint8Array> {
    const decoded = this.#decoder.decode(bytes);
    for (;;) {
      const next = decoded.next();
      if (next.done) return bytes.subarray(next.value);
      this.#position += next.value.byteLength;
      yield next.value;
    }
  }
}
