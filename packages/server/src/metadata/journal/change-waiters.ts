/** How often it is looked for commits of other processes while somebody waits, in milliseconds. */
const POLL_INTERVAL = 200;

interface Waiter {
  readonly after: number;
  readonly resolve: () => void;
}

/** Wakes those who wait for a change: of this process at once, of another one by looking from time to time. */
export class ChangeWaiters {
  readonly #waiters = new Set<Waiter>();
  #poll: NodeJS.Timeout | undefined;

  constructor(private readonly lastSequence: () => number) {}

  /** Resolves when there is a change behind `after`, and also when `signal` aborts. */
  async wait(after: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.lastSequence() > after) return;
    await new Promise<void>((resolve) => {
      const end = () => {
        signal.removeEventListener('abort', end);
        this.#waiters.delete(waiter);
        if (this.#waiters.size === 0) clearInterval(this.#poll);
        resolve();
      };
      const waiter = { after, resolve: end };
      signal.addEventListener('abort', end);
      if (this.#waiters.size === 0) this.#poll = setInterval(() => this.wake(), POLL_INTERVAL);
      this.#waiters.add(waiter);
    });
  }

  /** There may be a change. */
  wake(): void {
    if (this.#waiters.size === 0) return;
    const last = this.lastSequence();
    for (const { after, resolve } of this.#waiters) if (last > after) resolve();
  }

  /** Wakes everybody for good. */
  close(): void {
    for (const { resolve } of this.#waiters) resolve();
  }
}
