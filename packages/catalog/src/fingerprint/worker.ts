import { parentPort, workerData } from 'node:worker_threads';
import { type HashTask, hashFile } from './hash-file.js';
import { ReadLimit } from './read-limit.js';

/** What a thread that reads files is given. */
export interface HashThreadData {
  /** Bytes a second that it may read; infinite without a limit. */
  readonly bytesPerSecond: number;
}

const READ_BYTES = 1024 * 1024;

const { bytesPerSecond } = workerData as HashThreadData;
const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, Math.max(4096, bytesPerSecond)));
const limit = new ReadLimit(bytesPerSecond);

parentPort?.on('message', (tasks: readonly HashTask[]) => {
  const outcomes = tasks.map((task) => hashFile(task, buffer, (bytes) => limit.wait(bytes)));
  parentPort?.postMessage(outcomes, []);
});
