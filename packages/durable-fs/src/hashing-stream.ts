import { createHash } from 'node:crypto';
import type { Digest } from '@filetracker/protocol';

/** Counts and hashes the bytes that are shown to it. */
export class ContentHash {
  readonly #hash = createHash('sha256');
  #size = 0;

  /** Bytes seen so far. */
  get size(): number {
    return this.#size;
  }

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.#size += chunk.byteLength;
  }

  /** The digest of all that was seen. Ends the hash: call it once. */
  digest(): Digest {
    return this.#hash.digest('hex') as Digest;
  }
}

/** Passes chunks through while `hash` counts and hashes them. */
export async function* hashing(
  source: AsyncIterable<Uint8Array>,
  hash: ContentHash,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    hash.update(chunk);
    yield chunk;
  }
}
