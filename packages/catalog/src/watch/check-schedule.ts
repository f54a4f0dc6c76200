import type { BytePath } from '../byte-path.js';
import { outermost } from './dirty-queue.js';

/** A comparison is not repeated before so many times its duration have passed: it must not eat the machine. */
const REST = 10;

/** When an urgent one comes again, in its durations: overflows come in storms. */
const URGENT_REST = 2;

/** What has to be compared with the disk as a whole, and when. */
export class CheckSchedule {
  readonly #wanted = new Set<BytePath>();
  readonly #polled = new Set<BytePath>();
  #lastDuration = 0;
  #lastEnd = Number.NEGATIVE_INFINITY;

  constructor(private readonly pollInterval: number) {}

  /** Whether a comparison waits that something was lost for. */
  get isUrgent(): boolean {
    return this.#wanted.size > 0;
  }

  /** Asks for a comparison of a directory and all below it. */
  want(path: BytePath): void {
    this.#wanted.add(path);
  }

  /** Compares a directory from time to time from now on. */
  poll(path: BytePath): void {
    this.#polled.add(path);
  }

  /** When the next comparison is due, in milliseconds of the clock that {@link finished} is told; undefined: never. */
  nextDue(): number | undefined {
    if (this.#wanted.size > 0) return this.#lastEnd + URGENT_REST * this.#lastDuration;
    if (this.#polled.size > 0) return this.#lastEnd + Math.max(this.pollInterval, REST * this.#lastDuration);
    return undefined;
  }

  /** Takes what is to be compared now. */
  take(): readonly BytePath[] {
    const paths = outermost(this.#wanted.size > 0 ? this.#wanted : this.#polled);
    this.#wanted.clear();
    return [...paths];
  }

  /** A comparison has ended. */
  finished(now: number, duration: number): void {
    this.#lastEnd = now;
    this.#lastDuration = duration;
  }
}
