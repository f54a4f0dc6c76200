import zstd from 'zstd-napi/binding.js';

/**
 * Largest window that a stream may ask its decoder to keep: 8 MiB, the most that RFC 9659 allows for the content
 * coding `zstd`. It bounds the memory of a decoder.
 */
const MAX_WINDOW_LOG = 23;

/** Bytes that are decoded or encoded in one call: what the calling thread is busy with, less than a millisecond. */
const CHUNK_BYTES = 128 * 1024;

/** Decodes zstd frames from pieces of them. Memory stays flat whatever they expand to. */
export class ZstdDecoder {
  readonly #context = new zstd.DCtx();
  #isInsideFrame = false;

  constructor() {
    this.#context.setParameter(zstd.DParameter.windowLogMax, MAX_WINDOW_LOG);
  }

  /** Whether the frame that was begun has not ended yet. */
  get isInsideFrame(): boolean {
    return this.#isInsideFrame;
  }

  /**
   * What the bytes hold, up to the end of the frame that they begin with or go on with; returns how many of them that
   * took. Each piece of output is handed out before the next is made. Throws when they are damaged.
   */
  *decode(bytes: Uint8Array): Generator<Uint8Array<ArrayBuffer>, number> {
    let offset = 0;
    let mayHoldMore = false;
    while (offset < bytes.byteLength || mayHoldMore) {
      const target = new Uint8Array(CHUNK_BYTES);
      const [hint, produced, consumed] = this.#context.decompressStream(target, bytes.subarray(offset));
      offset += consumed;
      this.#isInsideFrame = hint !== 0;
      mayHoldMore = produced === CHUNK_BYTES && this.#isInsideFrame;
      if (produced > 0) yield target.subarray(0, produced);
      if (!this.#isInsideFrame) break;
    }
    return offset;
  }
}

/**
 * Decodes a stream of zstd frames. Memory stays flat. Throws when the stream is damaged, holds no frame or ends inside
 * one.
 */
export async function* decodeZstd(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const decoder = new ZstdDecoder();
  let isEmpty = true;
  for await (const chunk of source) {
    for (let offset = 0; offset < chunk.byteLength; isEmpty = false) {
      offset += yield* decoder.decode(chunk.subarray(offset));
    }
  }
  if (isEmpty || decoder.isInsideFrame) throw new Error('zstd stream ends inside a frame');
}

/** Encodes a stream as one zstd frame with a checksum. Memory stays flat. */
export async function* encodeZstd(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  level: number,
): AsyncGenerator<Uint8Array> {
  const context = new zstd.CCtx();
  context.setParameter(zstd.CParameter.compressionLevel, level);
  context.setParameter(zstd.CParameter.checksumFlag, 1);
  for await (const chunk of source) {
    for (let offset = 0; offset < chunk.byteLength; ) {
      const target = new Uint8Array(CHUNK_BYTES);
      const input = chunk.subarray(offset, offset + CHUNK_BYTES);
      const [, produced, consumed] = context.compressStream2(target, input, zstd.EndDirective.continue);
      offset += consumed;
      if (produced > 0) yield target.subarray(0, produced);
    }
  }
  for (let remaining = 1; remaining > 0; ) {
    const target = new Uint8Array(CHUNK_BYTES);
    const [hint, produced] = context.compressStream2(target, new Uint8Array(0), zstd.EndDirective.end);
    remaining = hint;
    if (produced > 0) yield target.subarray(0, produced);
  }
}
