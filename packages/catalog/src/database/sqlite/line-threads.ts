import { MessageChannel, Worker } from 'node:worker_threads';
import type { Database } from 'better-sqlite3';
import { startThreads } from '../../start-threads.js';
import { Admission } from './admission.js';
import { LineInbox } from './line-inbox.js';
import type { LineRequest, LineThreadData } from './line-worker.js';
import { openForReading, translating } from './open-database.js';
import { ASKER, type LineQuery, type Runner, SharedJob } from './shared-job.js';

/** A thread that helps. */
interface Helper {
  readonly runner: Runner;
  readonly worker: Worker;
  readonly admission: Admission;
  readonly exited: Promise<void>;
}

/**
 * Threads that run queries along with the one that asks, each on a connection of its own. They must see the same state:
 * a connection that was opened before the asker's began to read tells whether anything was committed since, and if so
 * nobody helps. The asker does not wait for them to start, and runs what nobody took.
 */
export class LineThreads {
  readonly #watching: Database;
  readonly #versionBefore: unknown;
  #helpers: readonly Helper[] | undefined;
  #failure: Error | undefined;

  /** To be made before the connection of the asker reads anything. Throws {@link CatalogError}. */
  constructor(
    private readonly file: string,
    private readonly count: number,
  ) {
    this.#watching = openForReading(file);
    this.#versionBefore = this.#version();
  }

  /**
   * The lines of queries, those of one after those of the other, many at a time. What a query that nobody took gives
   * comes from `run`.
   */
  async *lines(
    queries: readonly LineQuery[],
    run: (query: LineQuery) => Iterable<readonly string[]>,
  ): AsyncGenerator<readonly string[]> {
    const helpers = this.#start();
    const job = SharedJob.of(queries, helpers.length + ASKER);
    const inboxes = new Map(helpers.map((helper) => [helper.runner, this.#begin(helper, job)]));
    try {
      for (const [at, query] of queries.entries()) {
        this.#admit();
        const inbox = inboxes.get(job.claim(at, ASKER));
        if (inbox) yield* inbox.linesOf(at);
        else {
          for (const lines of run(query)) {
            yield lines;
            this.#admit();
          }
        }
      }
    } finally {
      job.end();
      for (const inbox of inboxes.values()) inbox.close();
    }
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    for (const { worker, admission } of this.#helpers ?? []) {
      if (!admission.isGiven) admission.answer(false);
      worker.postMessage(undefined, []);
    }
    await Promise.all((this.#helpers ?? []).map(({ exited }) => exited));
    this.#watching.close();
  }

  #start(): readonly Helper[] {
    this.#helpers ??= startThreads(this.count, 0, (n) => this.#startOne(ASKER + 1 + n));
    return this.#helpers;
  }

  #startOne(runner: Runner): Helper {
    const admission = Admission.pending();
    const workerData: LineThreadData = { file: this.file, runner, admission: admission.word };
    const worker = new Worker(new URL('./line-worker.js', import.meta.url), { workerData, execArgv: [] });
    // One that cannot start took nothing; from one that dies later its inbox learns it.
    worker.on('error', (error: Error) => {
      this.#failure ??= error;
    });
    const exited = new Promise<void>((resolve) => {
      worker.once('exit', () => resolve());
    });
    return { runner, worker, admission, exited };
  }

  #begin({ worker, runner }: Helper, job: SharedJob): LineInbox {
    const { port1, port2 } = new MessageChannel();
    const request: LineRequest = { queries: job.queries, words: job.words, port: port2 };
    worker.postMessage(request, [port2]);
    return new LineInbox(port1, { file: this.file, job, runner, failure: () => this.#failure });
  }

  /** Lets those in that have fixed the state they see meanwhile. */
  #admit(): void {
    for (const { admission } of this.#helpers ?? []) {
      if (admission.isAsked) admission.answer(this.#version() === this.#versionBefore);
    }
  }

  #version(): unknown {
    return translating(this.file, () => this.#watching.pragma('data_version', { simple: true }));
  }
}
