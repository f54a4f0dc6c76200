import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { TreeBatch, TreeRequest, TreeTask } from './tree-messages.js';

/** Batches that the thread may be ahead. Each holds up to a megabyte. */
const AHEAD = 3;

/** A thread that walks a tree and reads its small files. */
export class TreeThread {
  readonly #worker: Worker;
  readonly #received: TreeBatch[] = [];
  #wake = () => {};
  #failure: Error | undefined;
  #hasEnded = false;

  constructor(task: TreeTask) {
    this.#worker = new Worker(new URL('./tree-worker.js', import.meta.url), { workerData: task });
    this.#worker.on('message', (batch: TreeBatch) => {
      this.#received.push(batch);
      this.#wake();
    });
    this.#worker.on('error', (error: Error) => {
      this.#failure = error;
      this.#wake();
    });
    this.#worker.on('exit', () => {
      this.#hasEnded = true;
      this.#wake();
    });
    for (let count = 0; count < AHEAD; count++) this.tell({ kind: 'next' });
  }

  /** What it finds. Throws what it failed with. */
  async *batches(): AsyncGenerator<TreeBatch> {
    for (;;) {
      const batch = this.#received.shift();
      if (batch) {
        this.tell({ kind: 'next' });
        yield batch;
        if (batch.isLast) return;
      } else if (this.#failure || this.#hasEnded) {
        throw this.#failure ?? new Error('the thread that reads the tree has ended');
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  tell(request: TreeRequest): void {
    this.#worker.postMessage(request);
  }

  /** Lets it leave what is to be remembered, and waits for its end. */
  async close(): Promise<void> {
    if (this.#hasEnded) return;
    const exit = once(this.#worker, 'exit');
    this.tell({ kind: 'end' });
    await exit;
  }
}
