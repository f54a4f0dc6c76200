import type { ContentHash } from '@filetracker/durable-fs';
import { ProtocolError } from '@filetracker/protocol';

/** How long a content may be, in bytes. */
export interface SizeLimits {
  /** What the client said; more is refused as soon as it is seen. */
  readonly declared: number | undefined;
  readonly maximum: number;
}

/** How a content is cut into frames. */
export interface Cut {
  /** Bytes of every frame but the last. */
  readonly frameBytes: number;
  /** Gives the memory for a frame. */
  readonly allocate: (length: number) => Uint8Array;
}

/**
 * Counts, hashes and bounds a content as it streams, and cuts it into frames. What has arrived of a frame is all
 * that is held of it: a slow sender costs no more than it has sent.
 */
export async function* cutFrames(
  source: AsyncIterable<Uint8Array>,
  { frameBytes, allocate }: Cut,
  hash: ContentHash,
  limits: SizeLimits,
): AsyncGenerator<Uint8Array, void> {
  const parts = new Parts();
  for await (const chunk of source) {
    hash.update(chunk);
    refuseExcess(hash.size, limits);
    let rest = chunk;
    while (parts.length + rest.byteLength >= frameBytes) {
      const cut = frameBytes - parts.length;
      parts.add(rest.subarray(0, cut));
      yield parts.takeInto(allocate(frameBytes));
      rest = rest.subarray(cut);
    }
    if (rest.byteLength > 0) parts.add(rest);
  }
  if (parts.length > 0) yield parts.takeInto(allocate(parts.length));
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

/** Chunks shorter than this, in bytes, are copied together. */
const SMALL_CHUNK = 4096;

/** Bytes of memory into which small chunks are copied. */
const COLLECTED_BYTES = 16 * 1024;

/**
 * What has arrived of a frame. Small chunks are copied together: node spends some 500 bytes on each, so that a
 * body of one-byte chunks would take 250 MiB for a frame.
 */
class Parts {
  #parts: Uint8Array[] = [];
  #length = 0;
  #collected = new Uint8Array(0);
  /** Bytes of `#collected` that hold small chunks. */
  #used = 0;

  get length(): number {
    return this.#length;
  }

  add(chunk: Uint8Array): void {
    // The first chunk is not copied, whatever its length: most small bodies are a single one.
    if (this.#length > 0 && chunk.byteLength < SMALL_CHUNK) this.#collect(chunk);
    else {
      this.#endCollection();
      this.#parts.push(chunk);
    }
    this.#length += chunk.byteLength;
  }

  /** Moves everything into `frame`, which is exactly as long. */
  takeInto(frame: Uint8Array): Uint8Array {
    this.#endCollection();
    let offset = 0;
    for (const part of this.#parts) {
      frame.set(part, offset);
      offset += part.byteLength;
    }
    this.#parts = [];
    this.#length = 0;
    return frame;
  }

  #collect(chunk: Uint8Array): void {
    if (this.#collected.byteLength - this.#used < chunk.byteLength) {
      this.#endCollection();
      this.#collected = new Uint8Array(COLLECTED_BYTES);
    }
    this.#collected.set(chunk, this.#used);
    this.#used += chunk.byteLength;
  }

  #endCollection(): void {
    if (this.#used > 0) this.#parts.push(this.#collected.subarray(0, this.#used));
    this.#collected = new Uint8Array(0);
    this.#used = 0;
  }
}
