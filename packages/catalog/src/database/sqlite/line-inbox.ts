import type { MessagePort } from 'node:worker_threads';
import type { LineMessage } from './line-worker.js';
import { translated } from './open-database.js';
import type { Runner, SharedJob } from './shared-job.js';

/** What an inbox needs to know of its sender. */
interface Sender {
  readonly file: string;
  readonly job: SharedJob;
  readonly runner: Runner;
  /** Why the sender died, if it did. */
  readonly failure: () => Error | undefined;
}

/** What one thread sends of one job, in the order of the queries. */
export class LineInbox {
  readonly #messages: LineMessage[] = [];
  #isClosed = false;
  #wake: () => void = () => {};

  constructor(
    private readonly port: MessagePort,
    private readonly sender: Sender,
  ) {
    port.on('message', (message: LineMessage) => {
      this.#messages.push(message);
      this.#wake();
    });
    port.on('close', () => {
      this.#isClosed = true;
      this.#wake();
    });
  }

  /** The lines of a query that the sender took. Throws {@link CatalogError} where it failed. */
  async *linesOf(query: number): AsyncGenerator<readonly string[]> {
    for (;;) {
      const message = await this.#next();
      // Of a query whose lines nobody read to the end.
      if (message.query !== query) continue;
      const { lines, isLast, failure } = message;
      if (failure) {
        const error = Object.assign(new Error(failure.message), { code: failure.code });
        throw translated(this.sender.file, error);
      }
      if (lines !== '') yield lines.split('\n');
      if (isLast) return;
    }
  }

  close(): void {
    this.port.close();
  }

  async #next(): Promise<LineMessage> {
    for (;;) {
      const message = this.#messages.shift();
      if (message) {
        this.sender.job.taken(this.sender.runner);
        return message;
      }
      if (this.#isClosed) throw this.sender.failure() ?? new Error('a thread that reads has ended early');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
