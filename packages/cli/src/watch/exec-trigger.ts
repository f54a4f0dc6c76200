import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Catalog, RecordedBatch } from '@filetracker/catalog';
import { toBytes } from '@filetracker/catalog/paths';
import type { Output } from '../output/output.js';

/** Behind which event of the log a run of the command begins and where it ends. */
interface Range {
  readonly after: number;
  readonly upTo: number;
}

/**
 * Runs a command of the shell for what a watch records, with the changed paths on its standard input. One run at a
 * time: batches that come meanwhile are the next run's, together.
 */
export class ExecTrigger {
  #waiting: Range | undefined;
  #running: Promise<void> | undefined;

  constructor(
    private readonly command: string,
    private readonly context: {
      readonly catalog: Catalog;
      readonly output: Output;
      /** What ends each path. */
      readonly separator: '\n' | '\0';
    },
  ) {}

  /** Notes a batch; the command runs for it now or after the run under way. */
  add({ after, cursor }: RecordedBatch): void {
    this.#waiting = { after: this.#waiting?.after ?? after, upTo: cursor };
    this.#running ??= this.#runAll().finally(() => {
      this.#running = undefined;
    });
  }

  /** Resolves when no run is under way or waits. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #runAll(): Promise<void> {
    for (let range = this.#waiting; range; range = this.#waiting) {
      this.#waiting = undefined;
      await this.#run(range);
    }
  }

  async #run(range: Range): Promise<void> {
    const env = {
      ...process.env,
      FILETRACKER_SINCE: String(range.after),
      FILETRACKER_CURSOR: String(range.upTo),
    };
    const child = spawn('/bin/sh', ['-c', this.command], { env, stdio: ['pipe', 'inherit', 'inherit'] });
    const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    // A command need not read its input to the end.
    await pipeline(Readable.from(this.#paths(range)), child.stdin).catch(() => {});
    const [code, signal] = await ended;
    if (code !== 0) this.context.output.warn(`--exec: the command ended with ${signal ?? code}`);
  }

  async *#paths(range: Range): AsyncGenerator<Buffer> {
    const end = Buffer.from(this.context.separator);
    for await (const { kind, path } of this.context.catalog.mutations(range)) {
      if (kind !== 'scan') yield Buffer.concat([toBytes(path), end]);
    }
  }
}
