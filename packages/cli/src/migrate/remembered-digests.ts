import { createHash } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { BlockRecord, readBeginning, readBlocks } from './digests-file.js';
import { compareNames } from './name-order.js';
import type { Moment } from './target-history.js';

/** The name of the file that remembers the digests of the tree at a path. */
export function digestsFileName(path: string): string {
  return createHash('sha256').update(path).digest('hex').slice(0, 32);
}

/** What an earlier run has remembered. Names must be asked for in their order. */
export class RememberedDigests {
  /** When the target had all of it; undefined where that is not known. */
  readonly moment: Moment | undefined;
  #fd: number | undefined;
  readonly #records: Iterator<BlockRecord, undefined>;
  #next: BlockRecord | undefined;

  constructor(path: string) {
    this.#fd = openIfPresent(path);
    const beginning = this.#fd === undefined ? undefined : readBeginning(this.#fd);
    if (!beginning) this.close();
    this.moment = beginning?.moment;
    this.#records = recordsOf(this.#fd);
    this.#advance();
  }

  /** Whether nothing comes behind what was asked for last. */
  get isEmpty(): boolean {
    return this.#next === undefined;
  }

  /** What is remembered of a file. */
  find(name: string): BlockRecord | undefined {
    while (this.#next && compareNames(this.#next.name, name) < 0) this.#advance();
    return this.#next?.name === name ? this.#next : undefined;
  }

  /** All that comes behind what was asked for last. */
  *rest(name: string): Generator<BlockRecord> {
    for (; this.#next; this.#advance()) {
      if (compareNames(this.#next.name, name) > 0) yield this.#next;
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #advance(): void {
    this.#next = this.#records.next().value;
  }
}

function openIfPresent(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch {
    // Nothing is known.
    return undefined;
  }
}

function* recordsOf(fd: number | undefined): Generator<BlockRecord, undefined> {
  if (fd === undefined) return undefined;
  for (const block of readBlocks(fd)) {
    for (let at = 0; at < block.length; ) {
      const record = new BlockRecord(block, at);
      at = record.end;
      yield record;
    }
  }
}
