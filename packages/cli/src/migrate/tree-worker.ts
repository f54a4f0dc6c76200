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
    const { memory } = this;
    const remembered = memory?.isEmpty === false ? rememberedFile(name, path, memory) : undefined;
    if (remembered) {
      const { digest, stamp, modified, size } = remembered;
      filling.add(name, digest, modified, size);
      memory?.add(name, stamp, digest);
      return;
    }
    const found = readFile(path, SMALL);
    // What is larger is read by the other thread, as is what cannot be read.
    if (found && 'digest' in found) {
      filling.add(name, found.digest, found.modified, found.size, found.bytes);
      memory?.add(name, found.stamp, found.digest);
    } else {
      filling.add(name);
      memory?.await(name);
    }
  }
}

/** What is known of a file that has not changed since an earlier run. */
function rememberedFile(name: FileName, path: string, memory: DigestMemory) {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (!stats?.isFile()) return undefined;
  const stamp = stampOf(stats);
  const digest = memory.find(name, stamp);
  return (
    digest && { digest, stamp, modified: Number(stats.mtimeNs / 1_000_000_000n), size: Number(stats.size) }
  );
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
