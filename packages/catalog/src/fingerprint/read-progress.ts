/** How much has been read so far: threads add to it while they read, also in the middle of a large file. */
export class ReadProgress {
  /** Files and bytes, in memory that threads share. */
  readonly counters: SharedArrayBuffer;
  readonly #counts: BigInt64Array;

  constructor(counters = new SharedArrayBuffer(2 * BigInt64Array.BYTES_PER_ELEMENT)) {
    this.counters = counters;
    this.#counts = new BigInt64Array(counters);
  }

  /** Files that are done with, whatever came of them. */
  get files(): number {
    return Number(Atomics.load(this.#counts, 0));
  }

  get bytes(): number {
    return Number(Atomics.load(this.#counts, 1));
  }

  addFile(): void {
    Atomics.add(this.#counts, 0, 1n);
  }

  addBytes(bytes: number): void {
    Atomics.add(this.#counts, 1, BigInt(bytes));
  }
}
