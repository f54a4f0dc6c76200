import { type BytePath, commonDirectory, isWithinAny } from '../byte-path.js';
import { outermost } from './dirty-queue.js';

/** A comparison is not repeated before so many times its duration have passed: it must not eat the machine. */
const REST = 10;

/** When an urgent one comes again, in its durations: overflows come in storms. */
const URGENT_REST = 2;

/** Places that are compared one by one; more are compared as what holds them all, since each starts threads. */
const MAX_APART = 8;

/** What has to be compared with the disk as a whole, and when. */
export class CheckSchedule {
  readonly #wanted = new Set<BytePath>();
  #polled: ReadonlySet<BytePath> = new Set();
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

  /**
   * Compares a directory from time to time from now on. Returns what is compared for its sake that was not before, it
   * or one that holds it and others; undefined where it was compared already.
   */
  poll(path: BytePath): BytePath | undefined {
    if (isWithinAny(path, this.#polled)) return undefined;
    this.#polled = few(new Set([...this.#polled, path]));
    return this.#polled.has(path) ? path : [...this.#polled][0];
  }

  /** When the next comparison is due, in milliseconds of the clock that {@link finished} is told; undefined: never. */
  nextDue(): number | undefined {
    if (this.#wanted.size > 0) return this.#lastEnd + URGENT_REST * this.#lastDuration;
    if (this.#polled.size > 0) return this.#lastEnd + Math.max(this.pollInterval, REST * this.#lastDuration);
    return undefined;
  }

  /** Takes what is to be compared now. */
  take(): readonly BytePath[] {
    const paths = few(this.#wanted.size > 0 ? this.#wanted : this.#polled);
    this.#wanted.clear();
    return [...paths];
  }

  /** A comparison has ended. */
  finished(now: number, duration: number): void {
    this.#lastEnd = now;
    this.#lastDuration = duration;
  }
}

/** Few directories that hold all of these. */
function few(paths: ReadonlySet<BytePath>): ReadonlySet<BytePath> {
  const apart = outermost(paths);
  return apart.size > MAX_APART ? new Set([commonDirectory(apart)]) : apart;
}
