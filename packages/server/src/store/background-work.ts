/** Between two steps that are not due at once, in milliseconds. */
const MIN_WAIT = 500;
const MAX_WAIT = 3_600_000;

/** After a failure, such as a full disk, in milliseconds. */
const RETRY_WAIT = 60_000;

/** Does work that no request waits for, in small steps beside everything else. */
export class BackgroundWork {
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /**
   * @param step does a part of the work; resolves with when the next is due, in milliseconds since 1970, or with
   * `undefined` when nothing is left to do
   */
  constructor(
    private readonly step: () => Promise<number | undefined>,
    private readonly onError: (error: unknown) => void,
  ) {}

  start(): void {
    this.#running = this.#run();
  }

  /** Ends the step under way and does no more. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #run(): Promise<void> {
    const wait = await this.#doAll();
    if (this.#closed || wait === undefined) return;
    this.#timer = setTimeout(() => this.start(), Math.min(Math.max(wait, MIN_WAIT), MAX_WAIT)).unref();
  }

  /** Does all steps that are due; milliseconds until the next is, `undefined` for never. */
  async #doAll(): Promise<number | undefined> {
    try {
      while (!this.#closed) {
        const next = await this.step();
        if (next === undefined) return undefined;
        const wait = next - Date.now();
        if (wait > 0) return wait;
      }
      return undefined;
    } catch (error) {
      this.onError(error);
      return RETRY_WAIT;
    }
  }
}
