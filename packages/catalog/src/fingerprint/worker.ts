import { parentPort, workerData } from 'node:worker_threads';
import { type HashTask, hashFile } from './hash-file.js';
import { ReadLimit } from './read-limit.js';
import { ReadProgress } from './read-progress.js';

/** What a thread that reads files is given. */
export interface HashThreadData {
  /** Bytes a second that it may read; infinite without a limit. */
  readonly bytesPerSecond: number;
  /** Of {@link ReadProgress}. */
  readonly counters: SharedArrayBuffer;
}

const READ_BYTES = 1024 * 1024;

const { bytesPerSecond, counters } = workerData as HashThreadData;
const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, Math.max(4096, bytesPerSecond)));
const limit = new ReadLimit(bytesPerSecond);
const progress = new ReadProgress(counters);

parentPort?.on('message', (tasks: readonly HashTask[]) => {
  const outcomes = tasks.map((task) => {
    const outcome = hashFile(task, buffer, (bytes) => {
      progress.addBytes(bytes);
      limit.wait(bytes);
    });
    progress.addFile();
    return outcome;
  });
  parentPort?.postMessage(outcomes, []);
});
