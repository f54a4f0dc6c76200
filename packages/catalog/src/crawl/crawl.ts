import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { BytePath } from '../byte-path.js';
import type { Omissions } from '../listing/listing-writer.js';
import { startThreads } from '../start-threads.js';
import type { CrawlScope } from './directory-packer.js';
import { compileExclusion } from './exclude.js';
import type { ReaderChoice } from './open-reader.js';
import { ThreadGrowth } from './thread-growth.js';
import { createSharedWork, WorkPool } from './work-pool.js';
import type { WorkerInput, WorkerMessage, WorkerStart } from './worker.js';

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
  /** Threads; by default one a core, and more while these wait for a cold or remote disk. */
  readonly threads?: number;
  /** Which system calls to read with. Default `auto`. */
  readonly reader?: ReaderChoice;
}

/** Reads a whole tree: {@link prepareCrawl}, begun at once. */
export function crawl(root: BytePath, options: CrawlOptions = {}): AsyncIterableIterator<Uint8Array> {
  const prepared = prepareCrawl(root, options);
  prepared.begin();
  return prepared;
}

/**
 * Makes ready to read a whole tree: starts the threads, which takes them a moment, and lets them wait for
 * {@link Crawl.begin}. Whoever prepares a crawl must iterate to its end or call `return`.
 */
export function prepareCrawl(root: BytePath, options: CrawlOptions = {}): Crawl {
  return new Crawl(
    {
      root,
      exclusions: (options.exclude ?? []).map(compileExclusion),
      oneFileSystem: options.oneFileSystem ?? false,
      followMounts: options.followMounts ?? false,
      maxDepth: options.maxDepth ?? Number.MAX_SAFE_INTEGER,
    },
    options,
  );
}

/**
 * A tree that is read by worker threads; yields buffers of directory listings (see {@link readListings}), in no
 * particular order. Every directory that is found appears once, also those that could not be read. Memory is bounded:
 * threads wait while the consumer is behind. Ending the iteration early ends the crawl. When the last buffer has come the
 * threads are ending, which takes them some 30 ms: `return` waits for that.
 */
export class Crawl implements AsyncIterableIterator<Uint8Array> {
  readonly #pool: WorkPool;
  readonly #threads: ThreadGroup;
  readonly #growth: ThreadGrowth | undefined;
  /** Bytes of the buffer that the consumer has. */
  #handedOut = 0;

  constructor(
    private readonly scope: CrawlScope,
    { reader = 'auto', threads }: CrawlOptions,
  ) {
    const shared = createSharedWork();
    this.#pool = new WorkPool(shared);
    const cores = availableParallelism();
    this.#threads = new ThreadGroup({ scope, shared, reader }, threads ?? cores);
    if (threads === undefined) this.#growth = new ThreadGrowth(this.#pool, () => this.#threads.add(cores));
  }

  /**
   * Lets the threads read, and leave out what the consumer does not want.
   *
   * @param mounts see {@link DirectoryPacker}
   */
  begin(omissions?: Omissions, mounts?: readonly BytePath[]): void {
    if (!this.#pool.offer({ path: this.scope.root, depth: 0, parentDevice: 0 }))
      throw new RangeError('the path of the root is too long');
    this.#threads.begin(omissions, mounts);
    this.#growth?.begin();
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#pool.giveRoom(this.#handedOut);
    this.#handedOut = 0;
    try {
      const value = await this.#threads.next();
      if (!value) return this.#end();
      this.#handedOut = value.byteLength;
      return { done: false, value };
    } catch (error) {
      await this.return();
      throw error;
    }
  }

  /** Ends the crawl; resolves when no thread of it runs any more. */
  async return(): Promise<IteratorReturnResult<undefined>> {
    const result = this.#end();
    await this.#threads.ended();
    return result;
  }

  /** Lets the threads end. */
  #end(): IteratorReturnResult<undefined> {
    this.#growth?.end();
    this.#pool.stop();
    // Those that have not begun yet wait for a word to end.
    this.#threads.begin();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** The worker threads of a crawl as one queue of buffers. */
class ThreadGroup {
  readonly #buffers: Uint8Array[] = [];
  readonly #workers: Worker[] = [];
  readonly #exits: Promise<void>[] = [];
  #begun: WorkerStart | undefined;
  /** Threads that may still have something to tell. */
  readonly #reading = new Set<Worker>();
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(
    private readonly input: WorkerInput,
    count: number,
  ) {
    this.add(count);
  }

  /**
   * Starts more threads; they begin at once if the others have begun. Where the system allows fewer, those there are do
   * all the work. Throws where there is none.
   */
  add(count: number): void {
    const isFirst = this.#workers.length === 0;
    for (const worker of startThreads(count, isFirst ? 1 : 0, () => this.#start(this.input))) {
      this.#reading.add(worker);
      this.#workers.push(worker);
      this.#exits.push(this.#exit(worker));
      if (this.#begun) worker.postMessage(this.#begun);
    }
  }

  /** Lets the threads begin, once. */
  begin({ known, sumsOnly = false }: Omissions = {}, mounts: readonly BytePath[] = []): void {
    if (this.#begun) return;
    this.#begun = { known: known?.table, sumsOnly, mounts };
    for (const worker of this.#workers) worker.postMessage(this.#begun);
  }

  /** The next buffer; undefined when no thread has more. Throws what made a thread fail. */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      if (this.#failure) throw this.#failure;
      const buffer = this.#buffers.shift();
      if (buffer || this.#reading.size === 0) return buffer;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Resolves when all threads have ended. */
  async ended(): Promise<void> {
    await Promise.all(this.#exits);
  }

  #start(input: WorkerInput): Worker {
    const worker = new Worker(new URL('./worker.js', import.meta.url), {
      workerData: input,
      // Flags such as --input-type, meant for the program's own entry point, would keep the thread from starting.
      execArgv: [],
    });
    worker.on('message', (message: WorkerMessage) => {
      if (message === 'done') this.#reading.delete(worker);
      else this.#buffers.push(message);
      this.#wakeUp();
    });
    worker.on('error', (error: Error) => {
      this.#failure ??= error;
      // The others would wait for the directories that this thread had taken.
      new WorkPool(input.shared).stop();
      this.#wakeUp();
    });
    return worker;
  }

  #exit(worker: Worker): Promise<void> {
    return new Promise((resolve) => {
      worker.on('exit', () => {
        this.#reading.delete(worker);
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
