import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { FRAME_BYTES } from './frame-pool.js';
import type { VerifiedCopy, VerifyTask } from './verify-worker.js';

/** A thread takes 50 ms to start, so it waits so long for more to do. In milliseconds. */
const IDLE_TIMEOUT = 5000;

/** Verifies stored copies on threads of its own. */
export class CopyVerifier {
  readonly #pool: Piscina<VerifyTask, VerifiedCopy>;

  /** @param threads as many as there are processors by default */
  constructor(readonly threads = availableParallelism()) {
    const filename = fileURLToPath(new URL('./verify-worker.js', import.meta.url));
    this.#pool = new Piscina({ filename, minThreads: 0, maxThreads: threads, idleTimeout: IDLE_TIMEOUT });
  }

  /** What a copy holds; rejects when it is damaged. The descriptor must stay open until then. */
  verify(fd: number, storedSize: number): Promise<VerifiedCopy> {
    return this.#pool.run({ fd, storedSize, frameBytes: FRAME_BYTES });
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }
}
