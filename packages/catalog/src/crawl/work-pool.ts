import type { BytePath } from '../byte-path.js';
import type { PendingDirectory } from './pending-directories.js';

/** Bytes of directories that are on offer between threads; what does not fit stays with its thread. */
const OFFER_BYTES = 256 * 1024;

/** Bytes of listings that may be on their way to the main thread before crawler threads wait. */
const MAX_IN_FLIGHT_BYTES = 16 * 1024 * 1024;

/** How long a hungry thread sleeps before it looks again by itself. */
const NAP_MS = 20;

/** Places in the shared control words. */
const CONTROL = {
  lock: 0,
  outstanding: 1,
  hungry: 2,
  offered: 3,
  stopped: 4,
  inFlight: 5,
  words: 6,
} as const;

/** Depth, device and length that stand behind each offered path. */
const RECORD_TAIL = 16;

/** The memory that the threads of one crawl share; plain data, it travels to worker threads. */
export interface SharedWork {
  readonly control: Int32Array;
  readonly offers: Uint8Array;
}

/** Shared memory for a crawl of one directory, the root, which is still to be offered. */
export function createSharedWork(): SharedWork {
  const shared = {
    control: new Int32Array(new SharedArrayBuffer(4 * CONTROL.words)),
    offers: new Uint8Array(new SharedArrayBuffer(OFFER_BYTES)),
  };
  new WorkPool(shared).addOutstanding(1);
  return shared;
}

/**
 * How the threads of a crawl divide the work: each has a stack of its own and gives from it only when another is
 * hungry, so that an even tree costs hardly any synchronization. A count of directories known but not yet read tells
 * everyone the end.
 */
export class WorkPool {
  readonly #control: Int32Array;
  readonly #offers: Uint8Array;
  readonly #view: DataView;

  constructor({ control, offers }: SharedWork) {
    this.#control = control;
    this.#offers = offers;
    this.#view = new DataView(offers.buffer);
  }

  /** Counts directories that were found, before they are offered or read. */
  addOutstanding(count: number): void {
    Atomics.add(this.#control, CONTROL.outstanding, count);
  }

  /** Counts a directory as read. The last one wakes everyone up to end. */
  finishOne(): void {
    if (Atomics.sub(this.#control, CONTROL.outstanding, 1) === 1) this.#wakeAll();
  }

  /** Whether another thread waits for work and none is on offer. */
  get someoneIsHungry(): boolean {
    return (
      Atomics.load(this.#control, CONTROL.hungry) > 0 && Atomics.load(this.#control, CONTROL.offered) === 0
    );
  }

  /** Whether more than so many directories are still to be read, and no thread waits for work or for the consumer. */
  hasMore(directories: number): boolean {
    return (
      Atomics.load(this.#control, CONTROL.hungry) === 0 &&
      Atomics.load(this.#control, CONTROL.inFlight) < MAX_IN_FLIGHT_BYTES / 2 &&
      Atomics.load(this.#control, CONTROL.outstanding) > directories
    );
  }

  /** Whether the crawl was ended early. */
  get isStopped(): boolean {
    return Atomics.load(this.#control, CONTROL.stopped) !== 0;
  }

  /** Ends the crawl early, for all threads. */
  stop(): void {
    Atomics.store(this.#control, CONTROL.stopped, 1);
    this.#wakeAll();
    Atomics.notify(this.#control, CONTROL.inFlight);
  }

  /** Puts a directory on offer; false when there is no room, then it stays with the caller. */
  offer({ path, depth, parentDevice }: PendingDirectory): boolean {
    return this.#locked(() => {
      const end = Atomics.load(this.#control, CONTROL.offered);
      const next = end + path.length + RECORD_TAIL;
      if (next > this.#offers.length) return false;
      for (let n = 0; n < path.length; n++) this.#offers[end + n] = path.charCodeAt(n);
      this.#view.setFloat64(next - 16, parentDevice);
      this.#view.setUint32(next - 8, depth);
      this.#view.setUint32(next - 4, path.length);
      Atomics.store(this.#control, CONTROL.offered, next);
      Atomics.notify(this.#control, CONTROL.offered, 1);
      return true;
    });
  }

  /** Waits for a directory on offer; undefined when the crawl has ended. Blocks the thread. */
  take(): PendingDirectory | undefined {
    Atomics.add(this.#control, CONTROL.hungry, 1);
    try {
      while (!this.isStopped && Atomics.load(this.#control, CONTROL.outstanding) > 0) {
        const found = this.#locked(() => this.#popOffer());
        if (found) return found;
        Atomics.wait(this.#control, CONTROL.offered, 0, NAP_MS);
      }
      return undefined;
    } finally {
      Atomics.sub(this.#control, CONTROL.hungry, 1);
    }
  }

  /** Counts a buffer that is sent to the main thread, and waits while too much is on its way. Blocks the thread. */
  awaitRoom(bytes: number): void {
    Atomics.add(this.#control, CONTROL.inFlight, bytes);
    for (;;) {
      const inFlight = Atomics.load(this.#control, CONTROL.inFlight);
      // A single buffer always passes, however large.
      if (inFlight <= MAX_IN_FLIGHT_BYTES || inFlight === bytes || this.isStopped) return;
      Atomics.wait(this.#control, CONTROL.inFlight, inFlight, NAP_MS);
    }
  }

  /** Counts a buffer as used up. */
  giveRoom(bytes: number): void {
    Atomics.sub(this.#control, CONTROL.inFlight, bytes);
    Atomics.notify(this.#control, CONTROL.inFlight);
  }

  #popOffer(): PendingDirectory | undefined {
    const end = Atomics.load(this.#control, CONTROL.offered);
    if (end === 0) return undefined;
    const length = this.#view.getUint32(end - 4);
    const start = end - RECORD_TAIL - length;
    const path = Buffer.from(this.#offers.subarray(start, start + length)).toString('latin1') as BytePath;
    Atomics.store(this.#control, CONTROL.offered, start);
    return { path, depth: this.#view.getUint32(end - 8), parentDevice: this.#view.getFloat64(end - 16) };
  }

  /** Runs a few instructions alone. Spins: the lock is held for about a microsecond, a few times a millisecond. */
  #locked<Result>(run: () => Result): Result {
    while (Atomics.compareExchange(this.#control, CONTROL.lock, 0, 1) !== 0) {
      Atomics.wait(this.#control, CONTROL.lock, 1, 1);
    }
    try {
      return run();
    } finally {
      Atomics.store(this.#control, CONTROL.lock, 0);
      Atomics.notify(this.#control, CONTROL.lock, 1);
    }
  }

  #wakeAll(): void {
    Atomics.notify(this.#control, CONTROL.offered);
  }
}
