import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { startThreads } from '../start-threads.js';
import type { HashOutcome, HashTask } from './hash-file.js';
import { ReadProgress } from './read-progress.js';
import type { HashThreadData } from './worker.js';

/** How files are read. */
export interface ReadOptions {
  /** Threads; by default one a core. */
  readonly threads?: number;
  /** Bytes a second that all threads together read at most. */
  readonly bytesPerSecond?: number;
  /** Ends the work early: what was read so far is kept. */
  readonly signal?: AbortSignal;
  /** Is told what was read while it is read. */
  readonly progress?: ReadProgress;
}

/** A batch goes to one thread when it has this many files or bytes. */
const BATCH_FILES = 64;
const BATCH_BYTES = 64 * 1024 * 1024;

/** A file with what came of reading it. */
export interface Hashed<Task extends HashTask> {
  readonly task: Task;
  readonly outcome: HashOutcome;
}

/**
 * Reads files in worker threads and yields what came of each, in batches and in no particular order. Throws the
 * signal's reason when it is aborted.
 */
export async function* hashFiles<Task extends HashTask>(
  tasks: AsyncIterable<Task>,
  {
    threads = availableParallelism(),
    bytesPerSecond = Number.POSITIVE_INFINITY,
    signal,
    progress = new ReadProgress(),
  }: ReadOptions,
): AsyncGenerator<Hashed<Task>[]> {
  const workerData: HashThreadData = {
    bytesPerSecond: bytesPerSecond / threads,
    counters: progress.counters,
  };
  const url = new URL('./worker.js', import.meta.url);
  const workers = startThreads(threads, 1, () => new Worker(url, { workerData, execArgv: [] }));
  const idle = [...workers];
  const running = new Map<Worker, Promise<{ readonly worker: Worker; readonly results: Hashed<Task>[] }>>();
  const next = async () => {
    const { worker, results } = await Promise.race(running.values());
    running.delete(worker);
    idle.push(worker);
    signal?.throwIfAborted();
    return results;
  };
  try {
    for await (const batch of batches(tasks)) {
      signal?.throwIfAborted();
      if (idle.length === 0) yield await next();
      const worker = idle.pop() as Worker;
      const promise = readBatch(worker, batch, signal).then((results) => ({ worker, results }));
      // It is awaited later; until then a failure must not count as unhandled.
      promise.catch(() => {});
      running.set(worker, promise);
    }
    while (running.size > 0) yield await next();
  } finally {
    await Promise.allSettled(running.values());
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

async function readBatch<Task extends HashTask>(
  worker: Worker,
  batch: readonly Task[],
  signal: AbortSignal | undefined,
): Promise<Hashed<Task>[]> {
  const message = batch.map(({ path, size, mtimeNs }): HashTask => ({ path, size, mtimeNs }));
  worker.postMessage(message, []);
  const [outcomes] = (await once(worker, 'message', signal && { signal })) as [HashOutcome[]];
  return batch.map((task, at) => ({ task, outcome: outcomes[at] as HashOutcome }));
}

async function* batches<Task extends HashTask>(tasks: AsyncIterable<Task>): AsyncGenerator<Task[]> {
  let batch: Task[] = [];
  let bytes = 0;
  for await (const task of tasks) {
    batch.push(task);
    bytes += task.size;
    if (batch.length < BATCH_FILES && bytes < BATCH_BYTES) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}
