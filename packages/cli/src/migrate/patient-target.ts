import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BatchedFile,
  type BatchOutcome,
  type CallOptions,
  ConnectionError,
  type Content,
  type FileStat,
  type PutOptions,
} from '@filetracker/client';
import type { DirectoryName, FileName, Version } from '@filetracker/protocol';
import { compareNames } from './name-order.js';
import type { ChangeFeed, ExistingFile, MigrationTarget } from './target.js';

/** How a target that goes away is waited for. */
interface Patience {
  /** So long, in milliseconds. */
  readonly patience: number;
  /** Between two attempts, in milliseconds. */
  readonly pause: number;
  /** Told once when the waiting begins, in one line. */
  readonly onWaiting: (message: string) => void;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
}

/**
 * A target that waits for another which goes away, as a server does that is restarted. Where it does not come back,
 * {@link gone} is aborted: then nothing more can be stored, and a failure for each of a million files tells no more
 * than one. A target that was never there is not waited for.
 */
export class PatientTarget implements MigrationTarget {
  readonly feed: ChangeFeed | undefined;
  readonly #gone = new AbortController();
  /** When it was last there; 0 before it ever was. */
  #lastThere = 0;
  #isWaiting = false;

  constructor(
    private readonly target: MigrationTarget,
    private readonly options: Patience,
  ) {
    const { feed } = target;
    this.feed = feed && { changes: (since, signal) => feed.changes(since, signal) };
  }

  /** Aborted, with the `ConnectionError`, when the target does not come back. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  async *list(directory: DirectoryName, signal: AbortSignal): AsyncGenerator<readonly ExistingFile[]> {
    let last: FileName | undefined;
    for (;;) {
      try {
        for await (const page of this.target.list(directory, signal)) {
          this.#isThere();
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
    const outcomes = await this.#patiently(() => this.target.putBatch(files, options));
    const again = async ({ name, version, content, likelyStored }: BatchedFile) =>
      this.put(name, version, content, { ...options, likelyStored }).catch((error: Error) => error);
    return Promise.all(
      files.map(async (file, index) => {
        const outcome = outcomes[index] ?? new Error('it got no answer');
        return isLost(outcome) ? again(file) : outcome;
      }),
    );
  }

  delete(name: FileName, upTo: Version): Promise<void> {
    return this.#patiently(() => this.target.delete(name, upTo));
  }

  close(): Promise<void> {
    return this.target.close();
  }

  /** Does what may be done twice, until there is an answer. */
  async #patiently<T>(operation: () => Promise<T>): Promise<T> {
    for (;;) {
      this.gone.throwIfAborted();
      try {
        const result = await operation();
        this.#isThere();
        return result;
      } catch (error) {
        await this.#waitAfter(error);
      }
    }
  }

  #isThere(): void {
    this.#lastThere = performance.now();
    this.#isWaiting = false;
  }

  /** Waits a little where an error says that the target is not there; throws all others, and once it is too late. */
  async #waitAfter(error: unknown): Promise<void> {
    const { patience, pause, onWaiting, signal } = this.options;
    if (!isLost(error) || this.#lastThere === 0) throw error;
    if (!this.#isWaiting) {
      this.#isWaiting = true;
      // It may have been long since anything was asked of it.
      this.#lastThere = performance.now();
      onWaiting(`${error.message}; waiting for it up to ${Math.ceil(patience / 1000)} s`);
    }
    if (performance.now() - this.#lastThere + pause > patience) {
      this.#gone.abort(error);
      throw error;
    }
    await sleep(pause, undefined, { signal: AbortSignal.any([signal, this.gone]) }).catch(() => {
      signal.throwIfAborted();
      this.gone.throwIfAborted();
    });
  }
}

/** Whether an error says that the other side is not there, or not any more. */
function isLost(error: unknown): error is ConnectionError {
  return error instanceof ConnectionError && error.transient;
}
