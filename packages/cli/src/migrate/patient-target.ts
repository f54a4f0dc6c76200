import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BatchedFile,
  type BatchOutcome,
  type CallOptions,
  ConnectionError,
  type Content,
  type FileStat,
  type PutOptions,
  ServerError,
} from '@filetracker/client';
import { isOutOfRoom } from '@filetracker/durable-fs/system-code';
import type { DirectoryName, FileName, Version } from '@filetracker/protocol';
import { describeFailure } from '../output/failure.js';
import { compareNames } from './name-order.js';
import type { ChangeFeed, ExistingFile, MigrationTarget } from './target.js';

/** How a target that goes away is waited for. */
interface Patience {
  /** So long, in milliseconds. */
  readonly patience: number;
  /** Between two attempts, in milliseconds. */
  readonly pause: number;
  /** Told when the waiting begins, in one line, and not again for as long as the patience lasts. */
  readonly onWaiting: (message: string) => void;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
}

/**
 * A target that waits for another which goes away, as a server does that is restarted, or which can store nothing now,
 * as on a full disk. Where that does not pass, {@link gone} is aborted: then nothing more can be stored, and a failure
 * for each of a million files tells no more than one. A target that was never there is not waited for.
 */
export class PatientTarget implements MigrationTarget {
  readonly feed: ChangeFeed | undefined;
  readonly #gone = new AbortController();
  /** When it last answered, if it ever did. */
  #lastAnswer: number | undefined;
  /** Since when it is waited for, if it is. */
  #waitingSince: number | undefined;
  #lastTold = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly target: MigrationTarget,
    private readonly options: Patience,
  ) {
    const { feed } = target;
    this.feed = feed && { changes: (since, signal) => this.#whileThere(feed.changes(since, signal)) };
  }

  /** Aborted, with what it last failed with, when the target does not come back. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  async *list(directory: DirectoryName, signal: AbortSignal): AsyncGenerator<readonly ExistingFile[]> {
    let last: FileName | undefined;
    for (;;) {
      try {
        for await (const page of this.#whileThere(this.target.list(directory, signal))) {
          // A listing that broke off is read again from its beginning.
          const seen = last;
          const rest = seen === undefined ? page : page.filter(({ name }) => compareNames(name, seen) > 0);
          last = rest.at(-1)?.name ?? last;
          if (rest.length > 0) yield rest;
        }
        return;
      } catch (error) {
        await this.#waitAfter(error);
      }
    }
  }

  stat(name: FileName, signal: AbortSignal): Promise<FileStat | undefined> {
    return this.#patiently(() => this.target.stat(name, signal));
  }

  put(name: FileName, version: Version, content: Content, options: PutOptions): Promise<Version | 'deleted'> {
    return this.#patiently(() => this.target.put(name, version, content, options));
  }

  async putBatch(
    files: readonly BatchedFile[],
    options: CallOptions,
  ): Promise<readonly (BatchOutcome | 'deleted')[]> {
    const outcomes = new Map<BatchedFile, BatchOutcome | 'deleted'>();
    const outcomeOf = (file: BatchedFile) => outcomes.get(file) ?? new Error('it got no answer');
    let left = files;
    const putLeft = async () => {
      const answers = await this.target.putBatch(left, options);
      for (const [index, file] of left.entries()) outcomes.set(file, answers[index] ?? outcomeOf(file));
      left = left.filter((file) => isAway(outcomeOf(file)));
      const away = left.map(outcomeOf).find(isAway);
      if (away) throw away;
    };
    await this.#patiently(putLeft).catch((error: unknown) => {
      // Some may be stored all the same.
      if (this.gone.aborted || outcomes.size === 0) throw error;
    });
    return files.map(outcomeOf);
  }

  delete(name: FileName, upTo: Version): Promise<void> {
    return this.#patiently(() => this.target.delete(name, upTo));
  }

  close(): Promise<void> {
    return this.target.close();
  }

  /** Does what may be done twice, until there is an answer. */
  async #patiently<T>(operation: () => Promise<T>): Promise<T> {
    let failing: number | undefined;
    for (;;) {
      this.gone.throwIfAborted();
      try {
        const result = await operation();
        this.#isThere();
        return result;
      } catch (error) {
        failing ??= performance.now();
        await this.#waitAfter(error, failing);
      }
    }
  }

  /** Notes with all that comes, and where it ends, that the target is there. */
  async *#whileThere<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
    for await (const item of items) {
      this.#isThere();
      yield item;
    }
    this.#isThere();
  }

  #isThere(): void {
    this.#lastAnswer = performance.now();
    this.#waitingSince = undefined;
  }

  /**
   * Waits a little where an error says that the target is away; throws all others, and once it is too late.
   *
   * @param failing when that which failed failed first
   */
  async #waitAfter(error: unknown, failing = performance.now()): Promise<void> {
    const { patience, pause, signal } = this.options;
    if (!isAway(error) || this.#lastAnswer === undefined) throw error;
    const since = (this.#waitingSince ??= this.#beginWaiting(error));
    const end = performance.now() + pause - patience;
    // Others got through meanwhile: it is this one that does not, such as a file that a proxy does not let pass.
    if (failing < end && failing < this.#lastAnswer) throw error;
    if (since < end) {
      this.#gone.abort(error);
      throw error;
    }
    await sleep(pause, undefined, { signal: AbortSignal.any([signal, this.gone]) }).catch(() => {
      signal.throwIfAborted();
      this.gone.throwIfAborted();
    });
  }

  #beginWaiting(error: Error): number {
    const { patience, onWaiting } = this.options;
    const now = performance.now();
    // While a disk fills up, some small file gets through again and again.
    if (now - this.#lastTold < patience) return now;
    this.#lastTold = now;
    onWaiting(`${describeFailure(error).message}; waiting up to ${Math.ceil(patience / 1000)} s`);
    return now;
  }
}

/** Whether an error says that the other side is not there any more, or can store nothing now, whatever it be. */
function isAway(error: unknown): error is Error {
  if (error instanceof ConnectionError) return error.transient;
  if (error instanceof ServerError) return error.transient || error.code === 'storage_full';
  // The disk of a store that is written without a server.
  return isOutOfRoom(error);
}
