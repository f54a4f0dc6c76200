import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { BytePath } from '../byte-path.js';
import type { CrawlScope } from './directory-packer.js';
import { compileExclusion } from './exclude.js';
import type { ReaderChoice } from './open-reader.js';
import { createSharedWork, WorkPool } from './work-pool.js';
import type { WorkerInput } from './worker.js';

/** How to crawl a tree. */
export interface CrawlOptions {
  /** Globs of what to leave out, see {@link compileExclusion}. */
  readonly exclude?: readonly string[];
  /** Enter no other file system than the root's. Default false. */
  readonly oneFileSystem?: boolean;
  /** Enter also file systems that show kernel state, such as /proc. Default false. */
  readonly followMounts?: boolean;
  /** Steps below the root that are entered; 0 reads the root alone. Default: no limit. */
  readonly maxDepth?: number;
  /** Threads; by default one a core. More pay on cold or remote storage. */
  readonly threads?: number;
  /** Which system calls to read with. Default `auto`. */
  readonly reader?: ReaderChoice;
}

/**
 * Reads a whole tree with worker threads and yields buffers of directory listings (see {@link readListings}), in no
 * particular order. Every directory that is found appears once, also those that could not be read. Memory is bounded:
 * threads wait while the consumer is behind. Ending the iteration early ends the crawl.
 */
export async function* crawl(root: BytePath, options: CrawlOptions = {}): AsyncGenerator<Uint8Array> {
  const scope: CrawlScope = {
    root,
    exclusions: (options.exclude ?? []).map(compileExclusion),
    oneFileSystem: options.oneFileSystem ?? false,
    followMounts: options.followMounts ?? false,
    maxDepth: options.maxDepth ?? Number.MAX_SAFE_INTEGER,
  };
  const shared = createSharedWork({ path: root, depth: 0, parentDevice: 0 });
  const pool = new WorkPool(shared);
  const input: WorkerInput = { scope, shared, reader: options.reader ?? 'auto' };
  const threads = new ThreadGroup(input, options.threads ?? availableParallelism());
  try {
    for (;;) {
      const buffer = await threads.next();
      if (!buffer) return;
      const bytes = buffer.byteLength;
      yield buffer;
      pool.giveRoom(bytes);
    }
  } finally {
    pool.stop();
    await threads.ended();
  }
}

/** The worker threads of a crawl as one queue of buffers. */
class ThreadGroup {
  readonly #buffers: Uint8Array[] = [];
  readonly #exits: Promise<void>[];
  #running: number;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(input: WorkerInput, count: number) {
    this.#running = count;
    this.#exits = Array.from({ length: count }, () => this.#start(input));
  }

  /** The next buffer; undefined when all threads have ended. Throws what made a thread fail. */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      if (this.#failure) throw this.#failure;
      const buffer = this.#buffers.shift();
      if (buffer || this.#running === 0) return buffer;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Resolves when all threads have ended. */
  async ended(): Promise<void> {
    await Promise.all(this.#exits);
  }

  #start(input: WorkerInput): Promise<void> {
    const worker = new Worker(new URL('./worker.js', import.meta.url), {
      workerData: input,
      // Flags such as --input-type, meant for the program's own entry point, would keep the thread from starting.
      execArgv: [],
    });
    worker.on('message', (buffer: Uint8Array) => {
      this.#buffers.push(buffer);
      this.#wakeUp();
    });
    worker.on('error', (error: Error) => {
      this.#failure ??= error;
      // The others would wait for the directories that this thread had taken.
      new WorkPool(input.shared).stop();
      this.#wakeUp();
    });
    return new Promise((resolve) => {
      worker.on('exit', () => {
        this.#running--;
        this.#wakeUp();
        resolve();
      });
    });
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
