import { join } from 'node:path';
import { CheckpointDirectory } from '../checkpoints/checkpoint-directory.js';
import { Checkpointer, type CheckpointPolicy } from '../checkpoints/checkpointer.js';
import { ChangeWaiters } from '../journal/change-waiters.js';
import { JournalFeed } from '../journal/feed.js';
import type { ChangePage, CheckpointInfo } from '../metadata-store.js';
import { type Environment, JOURNAL_FILE_BYTES, warn } from './environment.js';
import { CHECKPOINTS, JOURNAL } from './layout.js';

/** What a change log needs to know. */
interface ChangeLogOptions {
  readonly durable: boolean;
  readonly checkpoints?: CheckpointPolicy | undefined;
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** Length in bytes of a journal file: a checkpoint makes those before it superfluous, so several lie between two. */
export function journalFileBytes(checkpoints: CheckpointPolicy | undefined): number | undefined {
  return checkpoints && Math.min(JOURNAL_FILE_BYTES, Math.ceil(checkpoints.journalBytes / 4));
}

/** What stands beside LMDB: tells changes from the journal, and has checkpoints taken. */
export class ChangeLog {
  readonly #feed: JournalFeed;
  readonly #waiters: ChangeWaiters;
  readonly #checkpoints: CheckpointDirectory;
  readonly #checkpointer: Checkpointer | undefined;

  constructor(
    environment: Environment,
    root: string,
    { durable, checkpoints, onError = warn }: ChangeLogOptions,
  ) {
    const journalDirectory = join(root, JOURNAL);
    const journalState = () => environment.journalState();
    this.#feed = new JournalFeed(journalDirectory, journalState);
    this.#waiters = new ChangeWaiters(() => journalState().sequence);
    this.#checkpoints = new CheckpointDirectory(join(root, CHECKPOINTS));
    this.#checkpointer =
      checkpoints &&
      new Checkpointer({
        ...checkpoints,
        directory: this.#checkpoints,
        journalDirectory,
        journalState,
        copyTo: (target) => environment.copyTo(target),
        environmentBytes: () => environment.bytes(),
        onError,
      });
    // Where commits are not durable there is nothing that a checkpoint could add to.
    if (durable) this.#checkpointer?.start();
    environment.onCommit((gap) => {
      this.#waiters.wake();
      if (gap) this.#checkpointer?.checkSoon();
    });
  }

  /** As `MetadataStore.changesSince`. */
  page(since: number, limit: number): Promise<ChangePage> {
    return this.#feed.page(since, limit);
  }

  /** As `MetadataStore.waitForChange`. */
  wait(after: number, signal: AbortSignal): Promise<void> {
    return this.#waiters.wait(after, signal);
  }

  async lastCheckpoint(): Promise<CheckpointInfo | undefined> {
    return (await this.#checkpoints.list())[0];
  }

  async checkpointIfDue(): Promise<void> {
    await this.#checkpointer?.checkpointIfDue();
  }

  /** Ends waiting and checkpoints. */
  async close(): Promise<void> {
    this.#waiters.close();
    await this.#checkpointer?.stop();
  }
}
