import { fileURLToPath } from 'node:url';
import type { Piscina } from 'piscina';
import type { FileFound, FileReport } from './file-reading.js';
import { SourceProblem } from './source.js';

/** Reads and hashes large files in threads of its own, which start with the first of them. */
export class FileInspector {
  #pool: Promise<Piscina<string, FileReport | undefined>> | undefined;

  constructor(private readonly threads: number) {}

  /** What is in a file now. Throws {@link SourceProblem} where it cannot be read. */
  async inspect(path: string): Promise<FileFound> {
    this.#pool ??= startThreads(this.threads);
    const report = await (await this.#pool).run(path);
    if (report && 'digest' in report) return report;
    throw new SourceProblem(report?.error ?? 'it cannot be read');
  }

  async close(): Promise<void> {
    await (await this.#pool)?.destroy();
  }
}

async function startThreads(most: number): Promise<Piscina<string, FileReport | undefined>> {
  const { Piscina } = await import('piscina');
  return new Piscina<string, FileReport | undefined>({
    filename: fileURLToPath(new URL('./inspect-worker.js', import.meta.url)),
    maxThreads: most,
    // A thread takes 60 ms to start, and Piscina ends one at once that has nothing to do.
    idleTimeout: Number.POSITIVE_INFINITY,
    concurrentTasksPerWorker: 1,
  });
}
