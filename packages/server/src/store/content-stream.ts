import type { Digest } from '@filetracker/protocol';
import type { OpenBlob } from '../blobs/blob-store.js';
import type { FramePool } from '../codec/frame-pool.js';
import type { Frame } from '../codec/seek-table.js';
import { ContentDamagedError } from './errors.js';

/** Frames that all streams together may hold ahead of what they send: 32 MiB. */
const FRAMES_AHEAD_IN_ALL = 64;

/** More than two frames ahead make one reader no faster. */
const MAX_FRAMES_AHEAD = 2;

/** What the streams of one store share, so that many of them read less far ahead. */
export interface ReadAhead {
  readers: number;
}

/**
 * The plain content of a blob, chunk by chunk. A chunk is valid until the next one is asked for, because its
 * memory is used again. Close the stream, also after reading it to the end.
 */
export class ContentStream implements AsyncIterable<Uint8Array> {
  #frames: readonly Frame[] = [];
  #next = 0;
  readonly #ahead: Promise<Uint8Array>[] = [];
  #closed = false;

  constructor(
    private readonly blob: OpenBlob,
    private readonly digest: Digest,
    private readonly pool: FramePool,
    private readonly shared: ReadAhead,
  ) {
    shared.readers++;
  }

  /** Takes the frames and reads the first of them. Rejects if that is damaged. */
  async prepare(frames: readonly Frame[]): Promise<void> {
    this.#frames = frames;
    this.#readAhead(1);
    await this.#ahead[0];
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        this.#readAhead(
          1 + Math.min(MAX_FRAMES_AHEAD, Math.floor(FRAMES_AHEAD_IN_ALL / this.shared.readers)),
        );
        const chunk = await this.#ahead.shift();
        if (!chunk) return;
        yield chunk;
        this.pool.release(chunk);
      }
    } catch (error) {
      throw new ContentDamagedError(this.digest, error);
    }
  }

  /** Gives the blob and all memory back. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.shared.readers--;
    // The worker threads may still be reading from the descriptor.
    for (const frame of await Promise.allSettled(this.#ahead)) {
      if (frame.status === 'fulfilled') this.pool.release(frame.value);
    }
    await this.blob.close();
  }

  #readAhead(count: number): void {
    while (this.#ahead.length < count) {
      const frame = this.#frames[this.#next++];
      if (!frame) return;
      const bytes = this.pool.decompress(this.blob.fd, frame);
      // Looked at when its turn comes; until then it must not count as unhandled.
      bytes.catch(() => undefined);
      this.#ahead.push(bytes);
    }
  }
}
