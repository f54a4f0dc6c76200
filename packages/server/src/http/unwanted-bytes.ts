/** How much of what nobody wants is read in any case, in bytes, however slowly it comes. */
const MAX_BYTES = 64 * 1024 * 1024;

/** How long it is read in any case, in milliseconds, however much comes. */
const MAX_TIME = 30_000;

/**
 * How long a connection is read whose sender has had its answer already. Closing it while bytes still come would reset
 * it, and many clients listen only when they have sent everything: they would never see the answer.
 */
export class UnwantedBytes {
  readonly #started = performance.now();
  #bytes = 0;

  /** Counts what came. Says whether it is enough to close the connection all the same. */
  isTooMuch(bytes: number): boolean {
    this.#bytes += bytes;
    return this.#bytes > MAX_BYTES && performance.now() - this.#started > MAX_TIME;
  }
}
