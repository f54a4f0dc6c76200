import { availableParallelism } from 'node:os';
import { ProcessorDemand } from './processor-demand.js';
import type { WorkPool } from './work-pool.js';

/** How often it is looked at whether the first threads need company, in milliseconds. */
const INTERVAL = 50;

/** Threads take this long to show what they want, in milliseconds: those that were added, and the first ones at first. */
const SETTLING = { first: 100, added: 200 } as const;

/** Threads a core at most. On a cold disk four read a tree in half of the time that two need, and eight no faster. */
const THREADS_PER_CORE = 4;

/**
 * Threads that want less than this share of the cores wait for the disk at times. On a warm one they want all of it and
 * more; two threads on a cold one wanted 0.6 of two cores, and four read the tree in 0.7 of the time.
 */
const IDLE_SHARE = 0.9;

/**
 * Fewer directories than this, known and not yet read, do not feed more threads. It says little about how many are
 * still to be found: since the deepest are read first, 40 to 120 are known at any time of a tree of 50,000.
 */
const WORTHWHILE_DIRECTORIES = 16;

/**
 * Starts more crawler threads while those there are wait for the disk: on a cold or remote one most of the time, on
 * a warm one never, and there more threads than cores would cost time.
 */
export class ThreadGrowth {
  readonly #cores = availableParallelism();
  #timer: NodeJS.Timeout | undefined;

  /** @param start starts so many threads at once as there are cores */
  constructor(
    private readonly pool: WorkPool,
    private readonly start: () => void,
  ) {}

  begin(): void {
    const demand = new ProcessorDemand();
    let last = performance.now();
    let rounds = THREADS_PER_CORE - 1;
    const look = () => {
      const now = performance.now();
      const available = (now - last) * this.#cores;
      last = now;
      const areIdle = demand.sinceLastLook() < available * IDLE_SHARE;
      if (areIdle && this.pool.hasMore(WORTHWHILE_DIRECTORIES)) {
        this.start();
        rounds--;
      }
      if (rounds > 0) this.#after(rounds < THREADS_PER_CORE - 1 ? SETTLING.added : INTERVAL, look);
    };
    this.#after(SETTLING.first, look);
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #after(milliseconds: number, look: () => void): void {
    this.#timer = setTimeout(look, milliseconds);
    this.#timer.unref();
  }
}
