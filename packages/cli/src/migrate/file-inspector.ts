import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import type { FileReport } from './inspect-worker.js';
import { SourceProblem } from './source.js';

/** Paths that one worker is given at a time: a message between threads costs as much as reading a small file. */
const BATCH = 32;

interface Waiting {
  readonly path: string;
  readonly resolve: (report: Exclude<FileReport, { error: string }>) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Reads and hashes files in threads of its own. Reading a small file takes 15 µs with the calls that wait and many
 * times that with those that do not, which is what the threads are for.
 */
export class FileInspector {
  readonly #pool: Piscina<readonly string[], readonly FileReport[]>;
  #waiting: Waiting[] = [];

  constructor(threads: number) {
    this.#pool = new Piscina({
      filename: fileURLToPath(new URL('./inspect-worker.js', import.meta.url)),
      maxThreads: threads,
      minThreads: threads,
      // A thread takes 60 ms to start, and Piscina ends one at once that has nothing to do.
      idleTimeout: Number.POSITIVE_INFINITY,
      concurrentTasksPerWorker: 1,
    });
  }

  /** What is in a file now. Throws {@link SourceProblem} where it cannot be read. */
  inspect(path: string): Promise<Exclude<FileReport, { error: string }>> {
    return new Promise((resolve, reject) => {
      this.#enqueue({ path, resolve, reject });
    });
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  #enqueue(request: Waiting): void {
    this.#waiting.push(request);
    if (this.#waiting.length >= BATCH) this.#flush();
    // Whoever asks for many files asks for them in one turn of the event loop.
    else if (this.#waiting.length === 1) setImmediate(() => this.#flush());
  }

  #flush(): void {
    const batch = this.#waiting;
    this.#waiting = [];
    if (batch.length > 0) void this.#run(batch);
  }

  async #run(batch: readonly Waiting[]): Promise<void> {
    try {
      const reports = await this.#pool.run(batch.map(({ path }) => path));
      for (const [index, request] of batch.entries()) {
        const report = reports[index];
        // A worker that has read much answers early.
        if (!report) this.#enqueue(request);
        else if ('error' in report) request.reject(new SourceProblem(report.error));
        else request.resolve(report);
      }
    } catch (error) {
      for (const { reject } of batch) reject(error as Error);
    }
  }
}
