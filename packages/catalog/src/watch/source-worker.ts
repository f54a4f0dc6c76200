/** The worker thread of an event source; started by worker-source.ts with a {@link SourceInput}. */
import { closeSync, openSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { openReader } from '../crawl/open-reader.js';
import { loadEventCalls } from '../linux/event-calls.js';
import { loadLibc } from '../linux/libc.js';
import { BackendUnavailableError, type SourceHint, type SourceOptions } from './event-source.js';
import { FanotifyReader } from './fanotify.js';
import { HintBuffer } from './hint-buffer.js';
import { InotifyReader } from './inotify.js';
import { MOUNT_TABLE } from './mount-table.js';
import type { NotifyReader } from './notify-reader.js';

/** What the thread is given. */
export interface SourceInput {
  readonly backend: 'fanotify' | 'inotify';
  readonly options: SourceOptions;
  /** An eventfd that becomes readable when the thread is to end. */
  readonly stop: number;
  /** Two words: messages that the main thread has not taken yet, and one to wait on. */
  readonly inFlight: Int32Array;
}

/** What the thread tells. */
export type SourceMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'unavailable'; readonly reason: string }
  | { readonly kind: 'hints'; readonly hints: readonly SourceHint[] };

/** Messages that may be on their way; hints collect here while the main thread is busy. */
const MAX_IN_FLIGHT = 4;

/** Least time between two messages, in milliseconds: events come in bursts, and a place is sent once. */
const SEND_EVERY = 5;

/** How often a full channel is looked at, in milliseconds. */
const RETRY_EVERY = 10;

const POLLIN = 1;
const POLLPRI = 2;

const { backend, options, stop, inFlight } = workerData as SourceInput;

function openNotifyReader(): NotifyReader {
  const [libc, calls] = [loadLibc(), loadEventCalls()];
  if (!libc || !calls) throw new BackendUnavailableError('system calls cannot be made on this platform');
  if (backend === 'fanotify') return new FanotifyReader(options, libc, calls);
  return new InotifyReader(options, { libc, calls, reader: openReader('auto') });
}

function send(message: SourceMessage): void {
  parentPort?.postMessage(message);
}

/** Waits for events, notes where to look, and passes it on, until the thread is to end. */
function run(reader: NotifyReader, hints: HintBuffer, mounts: number): void {
  const [libc, calls] = [loadLibc(), loadEventCalls()];
  if (!libc || !calls) return;
  // struct pollfd: descriptor i32, events i16, returned events i16.
  const polled = Buffer.alloc(3 * 8);
  const address = libc.addressOf(polled);
  [reader.descriptor, stop, mounts].forEach((descriptor, n) => {
    polled.writeInt32LE(descriptor, 8 * n);
    polled.writeInt16LE(descriptor === mounts ? POLLPRI : POLLIN, 8 * n + 4);
  });
  for (let sentAt = 0; ; ) {
    const wait = hints.isEmpty ? -1 : RETRY_EVERY;
    calls.poll(address, 3, wait);
    if (polled.readInt16LE(8 + 6) !== 0) break;
    if (polled.readInt16LE(16 + 6) !== 0) reader.mountsChanged(hints);
    reader.drain(hints);
    if (hints.isEmpty || Atomics.load(inFlight, 0) >= MAX_IN_FLIGHT) continue;
    const early = SEND_EVERY - (performance.now() - sentAt);
    if (early > 0) {
      // What comes meanwhile waits in the kernel's queue and goes along.
      Atomics.wait(inFlight, 1, 0, early);
      reader.drain(hints);
    }
    Atomics.add(inFlight, 0, 1);
    send({ kind: 'hints', hints: hints.take() });
    sentAt = performance.now();
  }
}

function main(): void {
  let reader: NotifyReader | undefined;
  // It tells of every change from when it is opened.
  const mounts = openSync(MOUNT_TABLE, 'r');
  try {
    reader = openNotifyReader();
    const hints = new HintBuffer(options);
    reader.start(hints);
    send({ kind: 'ready' });
    run(reader, hints, mounts);
  } catch (error) {
    if (!(error instanceof BackendUnavailableError)) throw error;
    send({ kind: 'unavailable', reason: error.message });
  } finally {
    reader?.close();
    closeSync(mounts);
  }
}

main();
