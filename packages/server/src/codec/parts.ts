/** Chunks shorter than this, in bytes, are copied together. */
const SMALL_CHUNK = 4096;

/** Bytes of memory into which small chunks are copied. */
const COLLECTED_BYTES = 16 * 1024;

/**
 * What has arrived of a frame, which is all that is held of it: a slow sender costs no more than it has sent. Small
 * chunks are copied together: node spends some 500 bytes on each, so that a body of one-byte chunks would take 250 MiB
 * for a frame.
 */
export class Parts {
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

  /** All of it, piece by piece. */
  take(): readonly Uint8Array[] {
    this.#endCollection();
    const parts = this.#parts;
    this.#parts = [];
    this.#length = 0;
    return parts;
  }

  /** Moves everything into `frame`, which is exactly as long. */
  takeInto(frame: Uint8Array): Uint8Array {
    let offset = 0;
    for (const part of this.take()) {
      frame.set(part, offset);
      offset += part.byteLength;
    }
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
