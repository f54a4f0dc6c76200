/** Runs tasks at once, as many as their weights allow. A task that fails ends it: nothing more is begun. */
export class TaskPool {
  readonly #running = new Set<Promise<void>>();
  #weight = 0;
  #failure: { readonly error: unknown } | undefined;

  /** @param capacity weight of the tasks that run at once; a single heavier one runs by itself */
  constructor(private readonly capacity: number) {}

  /** Begins a task as soon as there is room for it, and resolves then. Throws what an earlier one failed with. */
  async begin(weight: number, task: () => Promise<void>): Promise<void> {
    while (this.#weight > 0 && this.#weight + weight > this.capacity) await Promise.race(this.#running);
    this.#throwFailure();
    this.#weight += weight;
    const run = async () => {
      try {
        await task();
      } catch (error) {
        this.#failure ??= { error };
      }
      this.#weight -= weight;
      this.#running.delete(running);
    };
    const running = run();
    this.#running.add(running);
  }

  /** Waits for all tasks. Throws what one failed with. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
