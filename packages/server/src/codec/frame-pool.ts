import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { compressFrame, FRAME_BYTES, maxFrameLength } from '@filetracker/durable-fs/zstd-frame';
import type { Piscina } from 'piscina';
import type { Frame } from './seek-table.js';
import type { FrameTask } from './worker.js';

/** Up to this many bytes a frame is compressed on the calling thread: 20 µs, less than handing it over costs. */
export const ON_THIS_THREAD_BYTES = 16 * 1024;

/** Places for frames that wait or are at work, so that the threads never run dry and memory stays bounded. */
const FRAMES_PER_THREAD = 2;

/** Blocks of memory kept for later frames: 32 MiB. */
const SPARE_BLOCKS = 64;

/**
 * How long more of them are kept, in milliseconds. The garbage collector takes its time with what is not kept, so that
 * the next crowd of transfers would have its memory beside that of the last.
 */
const SPARE_TIME = 10_000;

/** A frame on its way through a worker thread. */
export interface Compressing {
  /** The compressed frame, in the memory that held the plain one unless that was short. */
  readonly compressed: Promise<Uint8Array>;
}

/**
 * Compresses and decompresses frames on worker threads. Frames lie in blocks of memory that all threads see and
 * that are used again: moving a new buffer for each frame between threads had the garbage collector busy for
 * half as long as the compression itself.
 */
export class FramePool {
  readonly #threads = Math.max(2, availableParallelism());
  #pool: Promise<Piscina<FrameTask, number>> | undefined;
  readonly #spare: SharedArrayBuffer[] = [];
  #free = this.#threads * FRAMES_PER_THREAD;
  readonly #waiting: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(readonly level: number) {}

  /** Memory for a frame of so many bytes. Give it back with {@link release}; what is not is garbage-collected. */
  allocate(length: number): Uint8Array {
    if (length <= ON_THIS_THREAD_BYTES) return new Uint8Array(length);
    return new Uint8Array(this.#takeBlock(), 0, length);
  }

  /** Gives memory back that {@link allocate}, {@link compress}, {@link decompress} or {@link unpack} gave. */
  release({ buffer }: Uint8Array): void {
    if (!(buffer instanceof SharedArrayBuffer)) return;
    this.#spare.push(buffer);
    if (this.#spare.length > SPARE_BLOCKS)
      this.#timer ??= setTimeout(() => this.#dropSpare(), SPARE_TIME).unref();
  }

  /**
   * Compresses a frame that lies in memory of {@link allocate}, or of up to {@link ON_THIS_THREAD_BYTES} anywhere. Resolves as soon as it has a place in the queue:
   * until then the caller must not read on, which is how a busy pool holds uploads back.
   */
  async compress(plain: Uint8Array): Promise<Compressing> {
    const { buffer, byteLength: length } = plain;
    if (!(buffer instanceof SharedArrayBuffer)) {
      return { compressed: Promise.resolve(Buffer.from(compressFrame(plain, this.level))) };
    }
    await this.#takePlace();
    const compressed = this.#run({ kind: 'compress', memory: buffer, length, level: this.level })
      .then((compressedLength) => new Uint8Array(buffer, 0, compressedLength))
      .finally(() => this.#givePlaceBack());
    // Whoever abandons an upload never looks at the frames that are still at work.
    compressed.catch(() => undefined);
    return { compressed };
  }

  /** Reads and decompresses one frame of an open file, which must stay open until this settles. */
  async decompress(fd: number, frame: Frame): Promise<Uint8Array> {
    const memory = this.#takeBlock();
    await this.#run({ kind: 'decompress', fd, frame, memory });
    return new Uint8Array(memory, 0, frame.plain);
  }

  /**
   * Decompresses a frame that was sent and should hold so many bytes, up to {@link FRAME_BYTES}. Resolves as soon as it
   * has a place in the queue, as {@link compress} does, with a promise of the content: undefined if it does not hold that.
   */
  async unpack(
    frame: Uint8Array,
    length: number,
  ): Promise<{ readonly content: Promise<Uint8Array | undefined> }> {
    await this.#takePlace();
    const memory = this.#takeBlock();
    const content = this.#run({ kind: 'unpack', frame, memory, length })
      .then((unpacked) => {
        const plain = new Uint8Array(memory, 0, length);
        if (unpacked === length) return plain;
        this.release(plain);
        return undefined;
      })
      .finally(() => this.#givePlaceBack());
    content.catch(() => undefined);
    return { content };
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await (await this.#pool)?.close();
  }

  /** The threads start with the first task: a start of a server waits for none. */
  async #run(task: FrameTask): Promise<number> {
    this.#pool ??= startThreads(this.#threads);
    return (await this.#pool).run(task);
  }

  #dropSpare(): void {
    this.#timer = undefined;
    this.#spare.splice(SPARE_BLOCKS);
  }

  #takeBlock(): SharedArrayBuffer {
    return this.#spare.pop() ?? new SharedArrayBuffer(maxFrameLength(FRAME_BYTES));
  }

  async #takePlace(): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #givePlaceBack(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }
}

async function startThreads(most: number): Promise<Piscina<FrameTask, number>> {
  const { Piscina } = await import('piscina');
  const filename = fileURLToPath(new URL('./worker.js', import.meta.url));
  return new Piscina({ filename, minThreads: 1, maxThreads: most, idleTimeout: 30_000 });
}
