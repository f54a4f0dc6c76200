import { availableParallelism } from 'node:os';
import { ProcessorDemand } from './processor-demand.js';
import type { WorkPool } from './work-pool.js';

/** How often it is looked at whether more threads would pay, in milliseconds. */
const INTERVAL = 100;

/** Threads a core at most. On a cold disk four read a tree in half of the time that two need, and eight no faster. */
const THREADS_PER_CORE = 4;

/**
 * Threads that want less than this share of the cores wait for the disk at times. On a warm one they want all of it and
 * more; two threads on a cold one wanted 0.6 of two cores, and four read the tree in 0.7 of the time.
 */
const IDLE_SHARE = 0.9;

/** Fewer directories than this, known and not yet read, are soon read by the threads there are. */
const WORTHWHILE_DIRECTORIES = 64;

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
    this.#timer = setInterval(() => {
      const now = performance.now();
      const available = (now - last) * this.#cores;
      last = now;
      const areIdle = demand.sinceLastLook() < available * IDLE_SHARE;
      if (!areIdle || !this.pool.hasMore(WORTHWHILE_DIRECTORIES)) return;
      this.start();
      if (--rounds === 0) this.end();
    }, INTERVAL);
    this.#timer.unref();
  }

  end(): void {
    clearInterval(this.#timer);
  }
}
