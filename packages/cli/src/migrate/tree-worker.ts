import { lstatSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import type { Digest, FileName } from '@filetracker/protocol';
import { DigestMemory } from './digest-memory.js';
import { compileExclusions } from './exclusions.js';
import { readFile, SMALL } from './file-reading.js';
import { stampOf } from './file-stamp.js';
import { NUMBERS, type TreeBatch, type TreeRequest, type TreeTask } from './tree-messages.js';
import { plainTree } from './tree-rules.js';
import { type WalkEvent, walkTree } from './walk-tree.js';

/** A batch has so many files, or fewer with so many bytes of content. */
const BATCH_FILES = 512;
const BATCH_BYTES = 1024 * 1024;

/** A batch while it is filled. */
class Filling {
  readonly names: FileName[] = [];
  readonly digests: (Digest | undefined)[] = [];
  readonly others: Exclude<WalkEvent, { kind: 'file' }>[] = [];
  readonly #numbers = new Float64Array(BATCH_FILES * NUMBERS);
  #contents: Uint8Array<ArrayBuffer> | undefined;
  #length = 0;

  get isFull(): boolean {
    return (
      this.names.length === BATCH_FILES || this.#length >= BATCH_BYTES || this.others.length >= BATCH_FILES
    );
  }

  add(name: FileName, digest?: Digest, modified = 0, size = 0, bytes?: Uint8Array): void {
    const at = this.names.length * NUMBERS;
    this.#numbers[at] = modified;
    this.#numbers[at + 1] = size;
    this.#numbers[at + 2] = bytes ? this.#length : -1;
    this.names.push(name);
    this.digests.push(digest);
    if (!bytes) return;
    this.#contents ??= new Uint8Array(BATCH_BYTES + SMALL);
    this.#contents.set(bytes, this.#length);
    this.#length += bytes.byteLength;
  }

  finish(isLast: boolean): TreeBatch {
    const { names, digests, others } = this;
    // A buffer that is mostly empty is not worth its memory on the other side.
    const isFilled = this.#length > BATCH_BYTES / 2;
    const contents =
      (isFilled ? this.#contents : this.#contents?.slice(0, this.#length)) ?? new Uint8Array(0);
    return { names, digests, others, numbers: this.#numbers, contents, isLast };
  }
}

/** Walks a tree and reads its small files, as far as the other thread asks for them. */
class TreeReader {
  #isComplete = false;

  constructor(
    private readonly walk: Generator<WalkEvent>,
    private readonly memory: DigestMemory | undefined,
  ) {}

  /** The next batch; undefined behind the last. */
  next(): TreeBatch | undefined {
    if (this.#isComplete) return undefined;
    const filling = new Filling();
    while (!filling.isFull && !this.#isComplete) {
      const { value, done } = this.walk.next() as IteratorResult<WalkEvent, undefined>;
      if (done) this.#isComplete = true;
      else if (value.kind === 'file') this.#look(value.name, value.path, filling);
      else filling.others.push(value);
    }
    return filling.finish(this.#isComplete);
  }

  async end(): Promise<void> {
    // What could not be remembered is read again by the next run.
    await this.memory?.close({ isComplete: this.#isComplete }).catch(() => {});
  }

  #look(name: FileName, path: string, filling: Filling): void {
    const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    const size = Number(stats?.size ?? Number.POSITIVE_INFINITY);
    const stamp = stats?.isFile() ? stampOf(stats) : undefined;
    const digest = stamp && this.memory?.find(name, stamp);
    if (stats && digest) {
      filling.add(name, digest, Number(stats.mtimeNs / 1_000_000_000n), size);
      this.memory?.add(name, stamp, digest);
      return;
    }
    const found = stamp && size <= SMALL ? readFile(path) : undefined;
    // A file that grew beyond all bounds since is read by the other thread, as those are that cannot be read.
    if (found && 'digest' in found && found.bytes) {
      filling.add(name, found.digest, found.modified, found.size, found.bytes);
      this.memory?.add(name, found.stamp, found.digest);
    } else {
      filling.add(name);
      this.memory?.await(name);
    }
  }
}

const { path, directory, exclude, memory: memoryPath } = workerData as TreeTask;
const port = parentPort;
if (!port) throw new Error('this module is the body of a thread');
const rules = plainTree(await compileExclusions(exclude));
const memory = memoryPath === undefined ? undefined : await DigestMemory.open(memoryPath);
const reader = new TreeReader(walkTree(path, directory, rules), memory);
port.on('message', (request: TreeRequest) => {
  if (request.kind === 'next') {
    const batch = reader.next();
    if (batch) port.postMessage(batch, [batch.numbers.buffer, batch.contents.buffer]);
  } else if (request.kind === 'read') {
    const { name, digest, stamp } = request;
    memory?.settle(name, digest && stamp && { digest, stamp: Buffer.from(stamp) });
  } else {
    void reader.end().then(() => port.close());
  }
});
