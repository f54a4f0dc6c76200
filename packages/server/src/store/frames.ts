import type { ContentHash } from '@filetracker/durable-fs';
import { COMPRESSION_LEVEL, FRAME_BYTES } from '@filetracker/durable-fs/zstd-frame';
import { ProtocolError } from '@filetracker/protocol';
import type { Compressing, FramePool } from '../codec/frame-pool.js';
import { PackedFrame } from '../codec/packed-frames.js';
import { Parts } from '../codec/parts.js';

/** A content as it arrives: plain, or in part as frames that are cut as the store cuts them. */
export type ArrivingContent = AsyncIterable<Uint8Array | PackedFrame>;

/** A frame that came compressed. What it holds is hashed when `compressed` resolves, which rejects if it is damaged. */
export interface ReadyFrame extends Compressing {
  /** Length of the content in bytes. */
  readonly plain: number;
}

/** How long a content may be, in bytes. */
export interface SizeLimits {
  /** What the client said; more is refused as soon as it is seen. */
  readonly declared: number | undefined;
  readonly maximum: number;
}

/**
 * Counts, hashes and bounds a content as it streams, and cuts it into frames, plain in memory of the pool or ready to be
 * stored. What has arrived of a frame is all that is held of it: a slow sender costs no more than it has sent.
 */
export async function* cutFrames(
  source: ArrivingContent,
  pool: FramePool,
  hash: ContentHash,
  limits: SizeLimits,
): AsyncGenerator<Uint8Array | ReadyFrame, void> {
  const parts = new Parts();
  const unpacking = new Unpacking(pool, hash);
  let size = 0;
  for await (const piece of source) {
    size += piece instanceof PackedFrame ? piece.plain : piece.byteLength;
    refuseExcess(size, limits);
    if (piece instanceof PackedFrame) {
      if (parts.length > 0) throw new Error('a frame that is kept must begin where a frame begins');
      yield await unpacking.add(piece);
      continue;
    }
    await unpacking.settled();
    hash.update(piece);
    let rest = piece;
    while (parts.length + rest.byteLength >= FRAME_BYTES) {
      const cut = FRAME_BYTES - parts.length;
      parts.add(rest.subarray(0, cut));
      yield parts.takeInto(pool.allocate(FRAME_BYTES));
      rest = rest.subarray(cut);
    }
    if (rest.byteLength > 0) parts.add(rest);
  }
  await unpacking.settled();
  if (parts.length > 0) yield parts.takeInto(pool.allocate(parts.length));
}

/** Frames that came compressed: the threads decompress them beside each other, and they are hashed in their order. */
class Unpacking {
  #hashed: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly pool: FramePool,
    private readonly hash: ContentHash,
  ) {}

  /**
   * Resolves as soon as the pool has room for the frame. A server that compresses more than clients do has it plain, to
   * compress it anew.
   */
  async add(packed: PackedFrame): Promise<Uint8Array | ReadyFrame> {
    const { pool } = this;
    const frame = packed.takeInto(pool.allocate(packed.byteLength));
    const { content } = await pool.unpack(frame, packed.plain);
    const hashed = this.#hash(content, this.#hashed);
    this.#hashed = hashed;
    if (pool.level > COMPRESSION_LEVEL) {
      const plain = await hashed;
      pool.release(frame);
      return plain;
    }
    // Its memory is given back now and not when the frame is written: a client may never send what comes next.
    const compressed = hashed.then((plain) => {
      pool.release(plain);
      return frame;
    });
    // Whoever abandons an upload never looks at it.
    compressed.catch(() => undefined);
    return { compressed, plain: packed.plain };
  }

  /** Resolves when all are hashed; rejects if one was damaged. */
  async settled(): Promise<void> {
    await this.#hashed;
  }

  async #hash(content: Promise<Uint8Array | undefined>, before: Promise<unknown>): Promise<Uint8Array> {
    const [plain] = await Promise.all([content, before]);
    if (!plain) throw new ProtocolError('invalid_content', 'the body has a damaged zstd frame');
    this.hash.update(plain);
    return plain;
  }
}

/** Throws `ProtocolError` `too_large` or `size_mismatch` if a content of so many bytes is too long. */
export function refuseExcess(size: number, { declared, maximum }: SizeLimits): void {
  if (size > maximum) {
    throw new ProtocolError(
      'too_large',
      `the file is larger than the ${maximum} bytes that this server accepts`,
    );
  }
  if (declared !== undefined && size > declared) {
    throw new ProtocolError(
      'size_mismatch',
      `the content is longer than the Logical-Size of ${declared} bytes`,
    );
  }
}
