import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { removeIfPresent } from '@filetracker/durable-fs';
import type { BlockRecord, Remembered } from './digests-file.js';
import { DigestsWriter } from './digests-writer.js';
import { RememberedDigests } from './remembered-digests.js';
import type { Moment } from './target-history.js';

/** A file whose digest will be known later. */
interface Awaited {
  record: Remembered | undefined;
  isKnown: boolean;
}

/**
 * The digests that an earlier run has left, and those that this one leaves. Files come in the order of their names;
 * where a digest takes a while, what comes behind it waits.
 */
export class DigestMemory {
  readonly #awaited = new Map<string, Awaited>();
  #queue: Awaited[] = [];
  #last = '';

  private constructor(
    private readonly earlier: RememberedDigests,
    /** Absent where nothing can be written: then the next run knows no more than this one. */
    private readonly writer: DigestsWriter | undefined,
  ) {}

  static async open(path: string): Promise<DigestMemory> {
    await forgetUnused(dirname(path));
    return new DigestMemory(
      new RememberedDigests(path),
      await DigestsWriter.open(path).catch(() => undefined),
    );
  }

  /** When the target had all that is remembered; undefined where that is not known. */
  get moment(): Moment | undefined {
    return this.earlier.moment;
  }

  /** Whether nothing (more) is remembered, so that asking is in vain. */
  get isEmpty(): boolean {
    return this.earlier.isEmpty;
  }

  /** What an earlier run has found in a file; what that is now, the stamp tells. */
  find(name: string): BlockRecord | undefined {
    return this.earlier.find(name);
  }

  /** Remembers the next file. */
  add(record: Remembered): void {
    this.#last = record.name;
    this.#push({ record, isKnown: true });
  }

  /** Says that the digest of the next file comes with {@link settle}. */
  await(name: string): void {
    this.#last = name;
    const awaited = { record: undefined, isKnown: false };
    this.#awaited.set(name, awaited);
    this.#push(awaited);
  }

  /** Tells a digest that was awaited, or that it will not come. */
  settle(name: string, found: Omit<Remembered, 'name'> | undefined): void {
    const awaited = this.#awaited.get(name);
    if (!awaited) return;
    this.#awaited.delete(name);
    awaited.record = found && { name, ...found };
    awaited.isKnown = true;
    const known = this.#queue.findIndex(({ isKnown }) => !isKnown);
    for (const { record } of this.#queue.splice(0, known < 0 ? this.#queue.length : known))
      this.#write(record);
  }

  /**
   * Leaves what is known to the next run. What this run has not come to stays as it was, unless it came to the end; then
   * the target may have had all of it at a moment.
   */
  async close(end: { readonly isComplete: boolean; readonly moment?: Moment | undefined }): Promise<void> {
    for (const { record } of this.#queue) this.#write(record);
    if (!end.isComplete) for (const record of this.earlier.rest(this.#last)) this.writer?.add(record);
    this.earlier.close();
    await this.writer?.finish(end.isComplete ? end.moment : undefined);
  }

  #push(awaited: Awaited): void {
    if (this.#queue.length > 0 || !awaited.isKnown) this.#queue.push(awaited);
    else this.#write(awaited.record);
  }

  #write(record: Remembered | undefined): void {
    if (record) this.writer?.add(record);
  }
}

/** What no run has needed for so long, in milliseconds, is of a tree that nobody migrates any more: a year. */
const UNUSED_AFTER = 365 * 24 * 3600 * 1000;

async function forgetUnused(directory: string): Promise<void> {
  for (const name of await readdir(directory).catch(() => [])) {
    const path = join(directory, name);
    // Another run may have removed it; what cannot be looked at stays.
    const found = await stat(path).catch(() => undefined);
    if (found && found.mtimeMs < Date.now() - UNUSED_AFTER) await removeIfPresent(path);
  }
}
