const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Keeps a thread that reads synchronously below a number of bytes a second. */
export class ReadLimit {
  /** When, in milliseconds of the monotonic clock, all that was read so far is paid for. */
  #paidUntil = 0;

  constructor(private readonly bytesPerSecond: number) {}

  /** Counts bytes that were read and blocks the thread for as long as they are ahead of the limit. */
  wait(bytes: number): void {
    if (this.bytesPerSecond === Number.POSITIVE_INFINITY) return;
    const now = performance.now();
    this.#paidUntil = Math.max(this.#paidUntil, now) + (bytes / this.bytesPerSecond) * 1000;
    Atomics.wait(sleeper, 0, 0, this.#paidUntil - now);
  }
}
