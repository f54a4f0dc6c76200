/** Bounds each single wait for another server, however many there are, so that what goes on may take its time. */
export class Patience {
  readonly #end = new AbortController();

  /** @param limit of one wait, in milliseconds; 0 for none */
  constructor(private readonly limit: number) {}

  /** Ends what is waited for once a wait was too long. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /** Waits for what {@link signal} ends. */
  async waitFor<T>(awaited: Promise<T>): Promise<T> {
    if (this.limit === 0) return awaited;
    const reason = new Error(`nothing came for ${this.limit / 1000} s`);
    const timer = setTimeout(() => this.#end.abort(reason), this.limit);
    try {
      return await awaited;
    } finally {
      clearTimeout(timer);
    }
  }
}
