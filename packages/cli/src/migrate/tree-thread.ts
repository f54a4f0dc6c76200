import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Moment } from './target-history.js';
import type { TreeAnswer, TreeBatch, TreeRequest, TreeTask } from './tree-messages.js';

/** Batches that the thread may be ahead. Each holds up to a megabyte. */
const AHEAD = 3;

/** A thread that walks a tree and reads its small files. */
export class TreeThread {
  readonly #worker: Worker;
  readonly #received: TreeBatch[] = [];
  #opened: { readonly moment: Moment | undefined } | undefined;
  #wake = () => {};
  #failure: Error | undefined;
  #hasEnded = false;

  constructor(task: TreeTask) {
    this.#worker = new Worker(new URL('./tree-worker.js', import.meta.url), { workerData: task });
    this.#worker.on('message', (answer: TreeAnswer) => {
      if (answer.kind === 'opened') this.#opened = answer;
      else this.#received.push(answer);
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
  }

  /** When the target had all that the thread remembers; undefined where that is not known. */
  async remembered(): Promise<Moment | undefined> {
    while (!this.#opened) await this.#change();
    return this.#opened.moment;
  }

  /**
   * What it finds. Throws what it failed with.
   *
   * @param changed names that have changed in the target since it had all that is remembered; where that is not known,
   *   all files come
   */
  async *batches(changed: ReadonlySet<string> | undefined): AsyncGenerator<TreeBatch> {
    this.tell({ kind: 'begin', changed });
    for (let count = 0; count < AHEAD; count++) this.tell({ kind: 'next' });
    for (;;) {
      const batch = this.#received.shift();
      if (batch) {
        this.tell({ kind: 'next' });
        yield batch;
        if (batch.isLast) return;
      } else await this.#change();
    }
  }

  tell(request: TreeRequest): void {
    this.#worker.postMessage(request);
  }

  /**
   * Lets it leave what is to be remembered, and waits for its end.
   *
   * @param moment when the target had all of it, if it had
   */
  async close(moment: Moment | undefined): Promise<void> {
    if (this.#hasEnded) return;
    const exit = once(this.#worker, 'exit');
    this.tell({ kind: 'end', moment });
    await exit;
  }

  async #change(): Promise<void> {
    if (this.#failure || this.#hasEnded)
      throw this.#failure ?? new Error('the thread that reads the tree has ended');
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }
}
