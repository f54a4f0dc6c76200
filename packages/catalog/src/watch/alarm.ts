const clock = (): number => performance.now();

/** A sleep of one sleeper that others can end. Times are those of `performance.now()`. */
export class Alarm {
  #until = Number.NEGATIVE_INFINITY;
  #ring: (() => void) | undefined;
  #isOff = false;

  /** When the present sleep ends by itself; in the past while nobody sleeps. */
  get until(): number {
    return this.#until;
  }

  /** Sleeps until a time or until {@link wake}; with `isFixed` only {@link turnOff} ends it early. */
  async sleep(until: number, { isFixed = false } = {}): Promise<void> {
    if (this.#isOff) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#ring = () => {
        if (!isFixed || this.#isOff) resolve();
      };
      this.#until = until;
      const wait = until - clock();
      if (wait < Number.POSITIVE_INFINITY) timer = setTimeout(resolve, Math.max(0, wait));
    });
    clearTimeout(timer);
    this.#ring = undefined;
    this.#until = Number.NEGATIVE_INFINITY;
  }

  wake(): void {
    this.#ring?.();
  }

  /** Ends this sleep and every later one. */
  turnOff(): void {
    this.#isOff = true;
    this.wake();
  }
}
