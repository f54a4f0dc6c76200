import type { MetadataStore } from '../metadata/metadata-store.js';

/** Versions forgotten in one transaction: enough to share its fsync, few enough not to hold up other writers. */
const BATCH = 256;

/** Between two looks at the history, in milliseconds. */
const MIN_WAIT = 500;
const MAX_WAIT = 3_600_000;

/** After a failure, such as a full disk, in milliseconds. */
const RETRY_WAIT = 60_000;

/** Forgets versions of the past when their time has come, in small steps beside everything else. */
export class HistoryExpiry {
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param onGarbage told when there are copies now that nothing refers to */
  constructor(
    private readonly metadata: MetadataStore,
    private readonly onGarbage: () => void,
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
    const wait = await this.#expireAll();
    if (this.#closed || wait === undefined) return;
    this.#timer = setTimeout(() => this.start(), Math.min(Math.max(wait, MIN_WAIT), MAX_WAIT)).unref();
  }

  /** Forgets all that may be forgotten now; milliseconds until more may be, `undefined` for never. */
  async #expireAll(): Promise<number | undefined> {
    try {
      while (!this.#closed) {
        const { leftGarbage, next } = await this.metadata.expireHistory(BATCH);
        if (leftGarbage) this.onGarbage();
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
