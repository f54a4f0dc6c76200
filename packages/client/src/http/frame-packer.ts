import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { PackAnswer, PackTask } from './pack-worker.js';

/** A server hashes what it gets at 1.3 GB/s, and a thread packs 200 to 350 MB/s. */
const MAX_THREADS = 4;

/** A thread takes 50 ms to start, so it waits so long for more to do. In milliseconds. */
const IDLE_TIME = 5000;

/**
 * Compresses frames in threads of its own, which start with the first of them and end when they have long had nothing to
 * do. Only those that are at work keep the process alive.
 */
export class FramePacker {
  /** As many frames as are worth having under way at once. */
  readonly threads = Math.min(MAX_THREADS, availableParallelism());
  readonly #running = new Set<PackThread>();
  /** Frames that are asked for and not there yet. */
  #atWork = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Compresses a frame; the bytes of the task are gone then. Undefined where the file has got too short. */
  async pack(task: PackTask): Promise<Uint8Array | undefined> {
    clearTimeout(this.#timer);
    this.#atWork++;
    try {
      const answer = await this.#thread().pack(task);
      if (answer.kind === 'failed') throw answer.error;
      return answer.kind === 'packed' ? answer.frame : undefined;
    } finally {
      this.#atWork--;
      if (this.#atWork === 0) this.#timer = setTimeout(() => void this.close(), IDLE_TIME).unref();
    }
  }

  /** Ends the threads. What they are at is not finished. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    const running = [...this.#running];
    this.#running.clear();
    await Promise.all(running.map((thread) => thread.close()));
  }

  /** The thread with the least to do: a new one, where all have something and there may be more. */
  #thread(): PackThread {
    let least: PackThread | undefined;
    for (const thread of this.#running) if (!least || thread.load < least.load) least = thread;
    if (least && (least.load === 0 || this.#running.size >= this.threads)) return least;
    try {
      const thread: PackThread = new PackThread(() => this.#running.delete(thread));
      this.#running.add(thread);
      return thread;
    } catch (error) {
      // The system allows no more.
      if (!least) throw error;
      return least;
    }
  }
}

interface Waiting {
  readonly resolve: (answer: PackAnswer) => void;
  readonly reject: (error: Error) => void;
}

/** A thread, which deals with its tasks in their order. */
class PackThread {
  readonly #worker = new Worker(new URL('./pack-worker.js', import.meta.url), {
    // Flags such as --input-type, meant for the program's own entry point, would keep the thread from starting.
    execArgv: [],
  });
  readonly #waiting: Waiting[] = [];

  /** @param onEnd told when it takes no more tasks */
  constructor(onEnd: () => void) {
    const end = (error: Error) => {
      onEnd();
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    };
    this.#worker.unref();
    this.#worker.on('message', (answer: PackAnswer) => {
      this.#waiting.shift()?.resolve(answer);
      if (this.#waiting.length === 0) this.#worker.unref();
    });
    this.#worker.on('error', end);
    this.#worker.on('exit', () => end(new Error('the thread that compresses has ended')));
  }

  /** Tasks that are not answered yet. */
  get load(): number {
    return this.#waiting.length;
  }

  pack(task: PackTask): Promise<PackAnswer> {
    this.#worker.ref();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#worker.postMessage(task, task.kind === 'bytes' ? [task.bytes.buffer] : []);
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}
