/** Time between attempts that doubles from one to the next, in milliseconds. */
export class RetryDelay {
  #next: number;

  constructor(
    private readonly first: number,
    private readonly longest: number,
  ) {
    this.#next = first;
  }

  next(): number {
    const delay = this.#next;
    this.#next = Math.min(2 * delay, this.longest);
    return delay;
  }

  reset(): void {
    this.#next = this.first;
  }
}
