import type { Digest } from '@filetracker/protocol';
import type { OpenBlob } from '../blobs/blob-store.js';
import type { FramePool } from '../codec/frame-pool.js';
import { ContentDamagedError } from './errors.js';

/** Chunks that all streams together may hold ahead of what they send: 32 MiB. */
const CHUNKS_AHEAD_IN_ALL = 64;

/** More than two chunks ahead make one reader no faster. */
const MAX_CHUNKS_AHEAD = 2;

/** Reads one chunk into memory of the pool. */
export type LoadChunk = () => Promise<Uint8Array>;

/** What the streams of one store share, so that many of them read less far ahead. */
export interface ReadAhead {
  readers: number;
}

/**
 * What is wanted of a blob, chunk by chunk. A chunk is valid until the next one is asked for, because its memory
 * is used again. Close the stream, also after reading it to the end.
 */
export class ContentStream implements AsyncIterable<Uint8Array> {
  #rest: Iterator<LoadChunk> = [].values();
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

  /** Takes the chunks and reads the first of them. Rejects if that is damaged. */
  async prepare(chunks: Iterator<LoadChunk>): Promise<void> {
    this.#rest = chunks;
    this.#readAhead(1);
    await this.#ahead[0];
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        this.#readAhead(
          1 + Math.min(MAX_CHUNKS_AHEAD, Math.floor(CHUNKS_AHEAD_IN_ALL / this.shared.readers)),
        );
        const chunk = await this.#ahead.shift();
        if (!chunk) return;
        try {
          yield chunk;
        } finally {
          // Also when the receiver went away, whose connection is closed by now and reads nothing any more.
          this.pool.release(chunk);
        }
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
    for (const chunk of await Promise.allSettled(this.#ahead)) {
      if (chunk.status === 'fulfilled') this.pool.release(chunk.value);
    }
    await this.blob.close();
  }

  #readAhead(count: number): void {
    while (this.#ahead.length < count) {
      const next = this.#rest.next();
      if (next.done === true) return;
      const bytes = next.value();
      // Looked at when its turn comes; until then it must not count as unhandled.
      bytes.catch(() => undefined);
      this.#ahead.push(bytes);
    }
  }
}
