import { closeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { loadEventCalls } from '../linux/event-calls.js';
import { loadLibc } from '../linux/libc.js';
import {
  BackendUnavailableError,
  type EventSource,
  type HintSink,
  type SourceOptions,
} from './event-source.js';
import type { SourceInput, SourceMessage } from './source-worker.js';

/** A source whose events a worker thread reads: waiting for the kernel must not block the watcher. */
class WorkerSource implements EventSource {
  constructor(
    readonly backend: 'fanotify' | 'inotify',
    private readonly worker: Worker,
    private readonly stop: number,
    private readonly exited: Promise<void>,
  ) {}

  async close(): Promise<void> {
    this.worker.removeAllListeners('message');
    wake(this.stop);
    await this.exited;
    closeSync(this.stop);
  }
}

/** Opens a source of that kind. Throws {@link BackendUnavailableError}. */
export async function openWorkerSource(
  backend: 'fanotify' | 'inotify',
  {
    options,
    sink,
    onFailure,
  }: {
    readonly options: SourceOptions;
    readonly sink: HintSink;
    /** Called when the thread dies of an error: no hint comes any more. */
    readonly onFailure: (error: Error) => void;
  },
): Promise<EventSource> {
  const calls = loadEventCalls();
  const stop = calls ? calls.eventfd(0, EVENTFD_CLOEXEC) : -1;
  if (stop < 0) throw new BackendUnavailableError('system calls cannot be made on this platform');
  const inFlight = new Int32Array(new SharedArrayBuffer(8));
  const input: SourceInput = { backend, options, stop, inFlight };
  const worker = new Worker(new URL('./source-worker.js', import.meta.url), {
    workerData: input,
    // Flags such as --input-type, meant for the program's own entry point, would keep the thread from starting.
    execArgv: [],
  });
  const exited = new Promise<void>((resolve) => {
    worker.once('exit', () => resolve());
  });
  await new Promise<void>((resolve, reject) => {
    worker.on('error', (error: Error) => {
      reject(error);
      onFailure(error);
    });
    worker.on('message', (message: SourceMessage) => {
      if (message.kind === 'ready') resolve();
      else if (message.kind === 'unavailable') reject(new BackendUnavailableError(message.reason));
      else {
        Atomics.sub(inFlight, 0, 1);
        sink(message.hints);
      }
    });
  }).catch(async (error: unknown) => {
    await exited;
    closeSync(stop);
    throw error;
  });
  return new WorkerSource(backend, worker, stop, exited);
}

const EVENTFD_CLOEXEC = 0x80000;

/** Makes an eventfd readable. */
function wake(descriptor: number): void {
  const one = Buffer.alloc(8);
  one.writeBigUInt64LE(1n);
  const libc = loadLibc();
  if (libc) loadEventCalls()?.write(descriptor, libc.addressOf(one), one.length);
}
