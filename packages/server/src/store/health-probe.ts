import { setTimeout } from 'node:timers/promises';

/** Whether the store can store; the error says why not. */
export type Health = { readonly healthy: true } | { readonly healthy: false; readonly error: unknown };

/** An answer is given again for so long, in milliseconds: however many ask, the store is tried once a second. */
const MAX_AGE = 1000;

/** A try that takes longer than this, in milliseconds, has failed. It goes on, and no other begins before it ends. */
const PATIENCE = 5000;

/** Finds out whether a store can store by doing it, at a bounded rate, for any number of askers. */
export class HealthProbe {
  #running: Promise<Health> | undefined;
  #last: { readonly health: Health; readonly time: number } | undefined;

  /**
   * @param attempt does what a change does, and rejects when that fails
   * @param onChange told when the answer changes; a store counts as healthy at first
   */
  constructor(
    private readonly attempt: () => Promise<void>,
    private readonly onChange: (health: Health) => void,
  ) {}

  async health(): Promise<Health> {
    if (this.#last && performance.now() - this.#last.time < MAX_AGE) return this.#last.health;
    this.#running ??= this.#try();
    const slow: Health = { healthy: false, error: new Error(`no answer within ${PATIENCE / 1000} s`) };
    const given = new AbortController();
    const health = await Promise.race([
      this.#running,
      setTimeout(PATIENCE, slow, { ref: false, signal: given.signal }).catch(() => slow),
    ]);
    given.abort();
    this.#note(health);
    return health;
  }

  async #try(): Promise<Health> {
    try {
      await this.attempt();
      return { healthy: true };
    } catch (error) {
      return { healthy: false, error };
    } finally {
      this.#running = undefined;
    }
  }

  #note(health: Health): void {
    const before = this.#last?.health.healthy ?? true;
    this.#last = { health, time: performance.now() };
    if (before !== health.healthy) this.onChange(health);
  }
}
