import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import type { Frame } from './seek-table.js';
import type { CompressTask, DecompressTask } from './worker.js';
import { compressFrame } from './zstd.js';

/**
 * Bytes of content in one frame. Measured on mixed source text at level 3: 128 KiB compress 2.59-fold, 512 KiB
 * 2.74, 1 MiB 2.78, 4 MiB 2.84; the speed is best from 512 KiB on. A transfer holds one or two frames, so the
 * smallest of the fast ones.
 */
export const FRAME_BYTES = 512 * 1024;

/** Up to this many bytes a frame is compressed on the calling thread: 20 µs, less than handing it over costs. */
const INLINE_COMPRESS_BYTES = 16 * 1024;

/** Places for frames that wait or are at work, so that the threads never run dry and memory stays bounded. */
const FRAMES_PER_THREAD = 2;

/** A frame on its way through a worker thread. */
export interface Compressing {
  readonly compressed: Promise<Uint8Array>;
}

/** Compresses and decompresses frames on worker threads. */
export class FramePool {
  readonly #threads = Math.max(2, availableParallelism());
  readonly #pool = new Piscina({
    filename: fileURLToPath(new URL('./worker.js', import.meta.url)),
    minThreads: 1,
    maxThreads: this.#threads,
    idleTimeout: 30_000,
    // zstd contexts of each level live outside V8's heap; the heap itself stays small.
    resourceLimits: { maxOldGenerationSizeMb: 64 },
  });
  #free = this.#threads * FRAMES_PER_THREAD;
  readonly #waiting: (() => void)[] = [];

  constructor(readonly level: number) {}

  /**
   * Compresses a frame, which must not be used afterwards. Resolves as soon as the frame has a place in the
   * queue: until then the caller must not read on, which is how a busy pool holds uploads back.
   */
  async compress(plain: Uint8Array<ArrayBuffer>): Promise<Compressing> {
    if (plain.byteLength <= INLINE_COMPRESS_BYTES) {
      return { compressed: Promise.resolve(compressFrame(plain, this.level)) };
    }
    await this.#takePlace();
    const task: CompressTask = { kind: 'compress', plain, level: this.level };
    const compressed = (
      this.#pool.run(task, { transferList: [plain.buffer] }) as Promise<Uint8Array>
    ).finally(() => this.#givePlaceBack());
    // Whoever abandons an upload never looks at the frames that are still at work.
    compressed.catch(() => undefined);
    return { compressed };
  }

  /** Reads and decompresses one frame of an open file, which must stay open until this settles. */
  decompress(fd: number, frame: Frame): Promise<Uint8Array> {
    const task: DecompressTask = { kind: 'decompress', fd, ...frame };
    return this.#pool.run(task) as Promise<Uint8Array>;
  }

  async close(): Promise<void> {
    await this.#pool.close();
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
