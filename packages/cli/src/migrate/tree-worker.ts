import { parentPort, workerData } from 'node:worker_threads';
import type { Digest, FileName } from '@filetracker/protocol';
import { DigestMemory } from './digest-memory.js';
import type { Remembered } from './digests-file.js';
import { compileExclusions } from './exclusions.js';
import { readFile } from './file-reading.js';
import { modifiedOf, sizeOf } from './file-stamp.js';
import { SMALL } from './small-file.js';
import type { Moment } from './target-history.js';
import {
  NUMBERS,
  type TreeAnswer,
  type TreeBatch,
  type TreeRequest,
  type TreeTask,
} from './tree-messages.js';
import { plainTree } from './tree-rules.js';
import { type WalkEvent, walkTree } from './walk-tree.js';

/** A batch has so many files, or fewer with so many bytes of content. */
const BATCH_FILES = 512;
const BATCH_BYTES = 1024 * 1024;

/** So many files that are only counted end a batch, too, so that a progress bar moves. */
const BATCH_UNCHANGED = 10_000;

/** What is walked ahead at a time, and at most, while the other thread asks the target what has changed. */
const AHEAD = { step: 256, most: 50_000 };

/** A batch while it is filled. */
class Filling {
  readonly names: FileName[] = [];
  readonly digests: (Digest | undefined)[] = [];
  readonly others: Exclude<WalkEvent, { kind: 'file' }>[] = [];
  readonly #doubtful = new Set<number>();
  readonly #unchanged = { files: 0, bytes: 0 };
  readonly #numbers = new Float64Array(BATCH_FILES * NUMBERS);
  #contents: Uint8Array<ArrayBuffer> | undefined;
  #length = 0;

  get isFull(): boolean {
    return (
      this.names.length === BATCH_FILES ||
      this.#length >= BATCH_BYTES ||
      this.others.length >= BATCH_FILES ||
      this.#unchanged.files >= BATCH_UNCHANGED
    );
  }

  /** Counts a file that the target has as it is. */
  addUnchanged(bytes: number): void {
    this.#unchanged.files++;
    this.#unchanged.bytes += bytes;
  }

  /** Says that the target must be asked for the file that comes next. */
  doubtNext(): void {
    this.#doubtful.add(this.names.length);
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
    return {
      names,
      digests,
      others,
      numbers: this.#numbers,
      doubtful: this.#doubtful,
      unchanged: this.#unchanged,
      contents,
      isLast,
    };
  }
}

/** Walks a tree and reads its small files, as far as the other thread asks for them. */
class TreeReader {
  #isComplete = false;
  #changed: ReadonlySet<string> | undefined;
  #hasBegun = false;
  /** What was walked ahead, the next last. */
  #ahead: WalkEvent[] = [];

  constructor(
    private readonly walk: Generator<WalkEvent>,
    private readonly memory: DigestMemory | undefined,
  ) {}

  /** @param changed names that the target has changed since it had all that is remembered, if that is known */
  begin(changed: ReadonlySet<string> | undefined): void {
    this.#hasBegun = true;
    this.#ahead.reverse();
    this.#changed = changed;
  }

  /** Walks on until it is time to {@link begin}. */
  walkAhead(): void {
    if (this.#hasBegun || this.#ahead.length >= AHEAD.most) return;
    for (let count = 0; count < AHEAD.step; count++) {
      const event = this.#walkOn();
      if (!event) return;
      this.#ahead.push(event);
    }
    setImmediate(() => this.walkAhead());
  }

  /** The next batch; undefined behind the last. */
  next(): TreeBatch | undefined {
    if (this.#isComplete) return undefined;
    const filling = new Filling();
    while (!filling.isFull && !this.#isComplete) {
      const event = this.#ahead.pop() ?? this.#walkOn();
      if (!event) this.#isComplete = true;
      else if (event.kind === 'file') this.#look(event, filling);
      else filling.others.push(event);
    }
    return filling.finish(this.#isComplete);
  }

  async end(moment: Moment | undefined): Promise<void> {
    // What could not be remembered is read again by the next run.
    await this.memory?.close({ isComplete: this.#isComplete, moment }).catch(() => {});
  }

  #walkOn(): WalkEvent | undefined {
    return (this.walk.next() as IteratorResult<WalkEvent, undefined>).value;
  }

  #look({ name, path, stamp }: Extract<WalkEvent, { kind: 'file' }>, filling: Filling): void {
    const { memory } = this;
    const remembered = memory?.isEmpty === false ? memory.find(name) : undefined;
    const isInTarget = remembered !== undefined && this.#changed?.has(name) === false;
    if (remembered && stamp && remembered.hasStamp(stamp)) {
      memory?.add(remembered);
      const size = sizeOf(stamp);
      if (isInTarget) filling.addUnchanged(size);
      else this.#add(filling, remembered, name, remembered.digest, modifiedOf(stamp), size);
      return;
    }
    const found = readFile(path, SMALL);
    // What is larger is read by the other thread, as is what cannot be read.
    if (!found || !('digest' in found)) {
      this.#add(filling, remembered, name);
      memory?.await(name);
      return;
    }
    const { digest, modified, size } = found;
    memory?.add({ name, stamp: found.stamp, digest });
    if (isInTarget && digest === remembered.digest && modified === modifiedOf(remembered.stamp))
      filling.addUnchanged(size);
    else this.#add(filling, remembered, name, digest, modified, size, found.bytes);
  }

  /** Adds a file to a batch. Where the target has another one now, or one of unknown content, it must be asked. */
  #add(filling: Filling, remembered: Remembered | undefined, ...file: Parameters<Filling['add']>): void {
    const [name, digest] = file;
    const isUnsure = remembered !== undefined && digest === undefined;
    if (this.#changed && (isUnsure || this.#changed.has(name))) filling.doubtNext();
    filling.add(...file);
  }
}

const { path, directory, exclude, memory: memoryPath } = workerData as TreeTask;
const port = parentPort;
if (!port) throw new Error('this module is the body of a thread');
const answer = (message: TreeAnswer, transfer: readonly ArrayBuffer[] = []) =>
  port.postMessage(message, transfer);
const rules = plainTree(await compileExclusions(exclude));
const memory = memoryPath === undefined ? undefined : await DigestMemory.open(memoryPath);
const reader = new TreeReader(walkTree(path, directory, rules), memory);
port.on('message', (request: TreeRequest) => {
  if (request.kind === 'begin') reader.begin(request.changed);
  else if (request.kind === 'next') {
    const batch = reader.next();
    if (batch) answer({ kind: 'batch', ...batch }, [batch.numbers.buffer, batch.contents.buffer]);
  } else if (request.kind === 'read') {
    const { name, found } = request;
    memory?.settle(name, found && { digest: found.digest, stamp: Buffer.from(found.stamp) });
  } else {
    void reader.end(request.moment).then(() => port.close());
  }
});
answer({ kind: 'opened', moment: memory?.moment });
reader.walkAhead();
