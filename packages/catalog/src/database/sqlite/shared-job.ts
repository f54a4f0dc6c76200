/** A query that gives lines: one column of text. */
export interface LineQuery {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Who runs a query: the thread that wants the lines is 1, those that help it follow. */
export type Runner = number;

/** The thread that wants the lines. */
export const ASKER: Runner = 1;

/** Batches that a thread may be ahead of the one that wants the lines: what bounds the memory. */
const MAX_AHEAD = 8;

const ENDED = 0;
const NOBODY = 0;
const FIRST_OWNER = 1;

/**
 * Queries that several threads run, as words of memory that they share: whether the job has ended, for each query who
 * took it, and for each thread how many batches of lines are on their way.
 */
export class SharedJob {
  constructor(
    readonly queries: readonly LineQuery[],
    /** The words, which travel to other threads. */
    readonly words: Int32Array,
  ) {}

  static of(queries: readonly LineQuery[], runners: number): SharedJob {
    const words = FIRST_OWNER + queries.length + runners + 1;
    return new SharedJob(queries, new Int32Array(new SharedArrayBuffer(4 * words)));
  }

  /** Takes a query unless somebody has it; tells who has it now. */
  claim(query: number, runner: Runner): Runner {
    const owner = Atomics.compareExchange(this.words, FIRST_OWNER + query, NOBODY, runner);
    return owner === NOBODY ? runner : owner;
  }

  get hasEnded(): boolean {
    return Atomics.load(this.words, ENDED) === 1;
  }

  /** Tells the threads that nobody wants the lines any more. */
  end(): void {
    Atomics.store(this.words, ENDED, 1);
    for (let at = this.#ahead(0); at < this.words.length; at++) {
      // Another value, so that nobody begins to wait who has just not seen the end.
      Atomics.store(this.words, at, 0);
      Atomics.notify(this.words, at);
    }
  }

  /** Notes that a thread is about to send a batch. Blocks it while too many of its batches are on their way. */
  send(runner: Runner): void {
    const at = this.#ahead(runner);
    for (;;) {
      const ahead = Atomics.load(this.words, at);
      if (ahead < MAX_AHEAD || this.hasEnded) break;
      Atomics.wait(this.words, at, ahead);
    }
    Atomics.add(this.words, at, 1);
  }

  /** Notes that a batch of a thread has been taken. */
  taken(runner: Runner): void {
    const at = this.#ahead(runner);
    Atomics.sub(this.words, at, 1);
    Atomics.notify(this.words, at);
  }

  #ahead(runner: Runner): number {
    return FIRST_OWNER + this.queries.length + runner;
  }
}
