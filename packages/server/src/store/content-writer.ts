import type { Digest } from '@filetracker/protocol';
import type { BlobStore, StagedBlob } from '../blobs/blob-store.js';
import { type FramePool, ON_THIS_THREAD_BYTES } from '../codec/frame-pool.js';
import { encodeSeekTable, type FrameSize } from '../codec/seek-table.js';
import type { ContentLocation } from '../metadata/metadata-store.js';
import type { ReadyFrame } from './frames.js';

/**
 * Largest stored size in bytes of a content that is kept beside its name. A file of its own costs two more
 * fsyncs and at least one 4 KiB block.
 */
const MAX_INLINE_BYTES = 4096;

/**
 * Frames of one upload that may be at work or wait to be written at once. The pool bounds only those at work: with
 * eight for each of 64 uploads the others alone took 260 MiB.
 */
const MAX_FRAMES_IN_FLIGHT = 8;

/** The same for all uploads together, but for the one that each may have: 16 MiB. */
const FRAMES_IN_FLIGHT_IN_ALL = 32;

/** A frame of a content, plain in memory of the pool, or ready to be written. */
type Frame = Uint8Array | ReadyFrame;

/** Frames of one content in their order. */
type Frames = AsyncGenerator<Frame, void>;

/** Says what the digest is once all frames were read, or throws if the content is not what was announced. */
type Finish = () => Digest;

/** Whether a content is stored already, so that no second copy is needed. */
type IsStored = (digest: Digest) => Promise<boolean>;

/** Writes contents as the store keeps them: small ones inline, others as blobs of zstd frames. */
export class ContentWriter {
  /** Uploads of more than one frame that are under way. */
  #uploads = 0;

  constructor(
    private readonly blobs: BlobStore,
    private readonly pool: FramePool,
  ) {}

  /**
   * Reads all frames and stores their content durably. Resolves with where it is, or with `undefined` when it
   * turned out to be stored already. Leaves nothing behind when it throws.
   */
  async write(frames: Frames, finish: Finish, isStored: IsStored): Promise<ContentLocation | undefined> {
    const first = (await frames.next()).value ?? new Uint8Array(0);
    const second = (await frames.next()).value;
    if (second === undefined) {
      return first instanceof Uint8Array
        ? this.#writeSingle(first, finish(), isStored)
        : this.#writeReady(await first.compressed, finish(), isStored);
    }
    this.#uploads++;
    try {
      return await this.#writeFrames([first, second], frames, finish, isStored);
    } finally {
      this.#uploads--;
      // What failed before it came to them must not hold what they come from, which others read to its end then.
      await frames.return();
    }
  }

  /** Does the same with a content of up to one frame that has arrived and has this digest. It must not change. */
  async writeWhole(
    content: Uint8Array,
    digest: Digest,
    isStored: IsStored,
  ): Promise<ContentLocation | undefined> {
    if (content.byteLength <= ON_THIS_THREAD_BYTES) return this.#writeSingle(content, digest, isStored);
    const frame = this.pool.allocate(content.byteLength);
    frame.set(content);
    return this.#writeSingle(frame, digest, isStored);
  }

  #framesInFlight(): number {
    const share = Math.floor(FRAMES_IN_FLIGHT_IN_ALL / this.#uploads);
    return Math.max(1, Math.min(MAX_FRAMES_IN_FLIGHT, share));
  }

  async #writeSingle(
    plain: Uint8Array,
    digest: Digest,
    isStored: IsStored,
  ): Promise<ContentLocation | undefined> {
    const size = plain.byteLength;
    // To compress a short content takes no longer than to look whether it is stored, which its commit does anyway.
    const isShort = size <= ON_THIS_THREAD_BYTES;
    if (!isShort && (await isStored(digest))) return undefined;
    const compressed = await (await this.pool.compress(plain)).compressed;
    if (size <= MAX_INLINE_BYTES && compressed.byteLength >= size) {
      return { kind: 'inline', encoding: 'raw', bytes: plain };
    }
    if (compressed.byteLength <= MAX_INLINE_BYTES) {
      return { kind: 'inline', encoding: 'zstd', bytes: compressed };
    }
    if (isShort && (await isStored(digest))) return undefined;
    return this.#stageSingle(compressed, digest);
  }

  async #writeReady(
    compressed: Uint8Array,
    digest: Digest,
    isStored: IsStored,
  ): Promise<ContentLocation | undefined> {
    if (await isStored(digest)) return undefined;
    if (compressed.byteLength <= MAX_INLINE_BYTES) {
      return { kind: 'inline', encoding: 'zstd', bytes: compressed };
    }
    return this.#stageSingle(compressed, digest);
  }

  #stageSingle(compressed: Uint8Array, digest: Digest): Promise<ContentLocation | undefined> {
    return this.#stage(async (staged) => {
      await staged.write(compressed);
      this.pool.release(compressed);
      return { digest, storedSize: compressed.byteLength };
    });
  }

  #writeFrames(
    head: readonly Frame[],
    rest: Frames,
    finish: Finish,
    isStored: IsStored,
  ): Promise<ContentLocation | undefined> {
    return this.#stage(async (staged) => {
      const sizes: FrameSize[] = [];
      let storedSize = 0;
      const inFlight: ReadyFrame[] = [];
      const writeOldest = async () => {
        const oldest = inFlight.shift();
        if (!oldest) return;
        const bytes = await oldest.compressed;
        await staged.write(bytes);
        this.pool.release(bytes);
        sizes.push({ compressed: bytes.byteLength, plain: oldest.plain });
        storedSize += bytes.byteLength;
      };
      const add = async (frame: Frame) => {
        const plain = frame instanceof Uint8Array ? frame.byteLength : frame.plain;
        while (inFlight.length >= this.#framesInFlight()) await writeOldest();
        inFlight.push(frame instanceof Uint8Array ? { ...(await this.pool.compress(frame)), plain } : frame);
      };
      for (const frame of head) await add(frame);
      for await (const frame of rest) await add(frame);
      while (inFlight.length > 0) await writeOldest();

      const digest = finish();
      if (await isStored(digest)) return undefined;
      const table = encodeSeekTable(sizes);
      await staged.write(table);
      return { digest, storedSize: storedSize + table.byteLength };
    });
  }

  /** Stages a blob, lets `fill` write it and publishes it, unless `fill` says that it is not needed. */
  async #stage(
    fill: (staged: StagedBlob) => Promise<{ digest: Digest; storedSize: number } | undefined>,
  ): Promise<ContentLocation | undefined> {
    const staged = await this.blobs.stage();
    try {
      const filled = await fill(staged);
      if (filled) {
        return { kind: 'blob', blob: await staged.publish(filled.digest), storedSize: filled.storedSize };
      }
    } catch (error) {
      await staged.discard();
      throw error;
    }
    await staged.discard();
    return undefined;
  }
}
