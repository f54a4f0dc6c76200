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
    let onAbort: (() => void) | undefined;
    let waiter: Waiter | undefined;
    try {
      await new Promise<void>((resolve) => {
        onAbort = resolve;
        waiter = { after, resolve };
        signal.addEventListener('abort', onAbort);
        this.#add(waiter);
      });
    } finally {
      if (onAbort) signal.removeEventListener('abort', onAbort);
      if (waiter) this.#remove(waiter);
    }
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

  #add(waiter: Waiter): void {
    this.#waiters.add(waiter);
    this.#poll ??= setInterval(() => this.wake(), POLL_INTERVAL);
  }

  #remove(waiter: Waiter): void {
    this.#waiters.delete(waiter);
    if (this.#waiters.size > 0) return;
    clearInterval(this.#poll);
    this.#poll = undefined;
  }
}
