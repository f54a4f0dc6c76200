import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { tryLock, unlock } from '@filetracker/durable-fs';
import { OPENING_LOCK, OPENING_QUEUE_LOCK } from './layout.js';

/** Pause between two attempts at a lock, in milliseconds: an opening takes a few, a transaction less. */
const PAUSE = 1;

/** Time after which an opening does not wait any more, in milliseconds: far longer than a disk takes for a commit. */
const PATIENCE = 60_000;

/**
 * Keeps the openings of an environment apart from the write transactions on it and from its closings, among all processes.
 *
 * LMDB tells all processes which transaction was the last in memory that they share, and the next one begins with
 * what that one wrote. Whoever opens the environment sets it to what the data file said a moment before
 * (`mdb_env_open2` in the LMDB that lmdb 3.5.6 brings). A commit in that moment is forgotten: readers do not see it,
 * and the next writer puts its pages in the place of pages that are in use.
 *
 * The last process to close the environment destroys the mutexes in that memory (`mdb_env_close_active`). Whoever opens it
 * in that moment takes them for those of others, and begins no transaction with them.
 *
 * So transactions and closings hold one lock together, and an opening holds it alone. Those who open wait with the queue's
 * lock, which a transaction passes before it begins: no stream of transactions can keep them waiting.
 */
export class OpeningGate {
  /** Write transactions of this process under way. */
  #transactions = 0;

  readonly #lock: number;
  readonly #queue: number;

  /** For the environment in `directory`, which is made if it is missing. */
  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    this.#lock = openSync(join(directory, OPENING_LOCK), 'a');
    this.#queue = openSync(join(directory, OPENING_QUEUE_LOCK), 'a');
  }

  /**
   * Runs `open` while no process has a write transaction under way, nor opens the environment. Closes the gate when
   * that throws, or that moment does not come within a minute.
   */
  async opening<T>(open: () => T): Promise<T> {
    try {
      await lockSoon(this.#queue);
      await lockSoon(this.#lock);
      const opened = open();
      unlock(this.#lock);
      unlock(this.#queue);
      return opened;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * Runs a write transaction, or closes the environment, while no process opens it. That must be at its end when its promise
   * is.
   */
  async writing(transaction: () => Promise<void>): Promise<void> {
    while (!this.#enter()) await sleep(PAUSE);
    try {
      await transaction();
    } finally {
      if (--this.#transactions === 0) unlock(this.#lock);
    }
  }

  close(): void {
    closeSync(this.#lock);
    closeSync(this.#queue);
  }

  #enter(): boolean {
    if (!tryLock(this.#queue, 'shared')) return false;
    try {
      if (this.#transactions === 0 && !tryLock(this.#lock, 'shared')) return false;
      this.#transactions++;
      return true;
    } finally {
      unlock(this.#queue);
    }
  }
}

/** Takes a lock alone, without keeping this process from what it must finish, which may be what the lock waits for. */
async function lockSoon(fd: number): Promise<void> {
  const deadline = performance.now() + PATIENCE;
  while (!tryLock(fd, 'exclusive')) {
    if (performance.now() > deadline) {
      throw new Error('another process has been at a change of the metadata for a minute; is it stopped?');
    }
    await sleep(PAUSE);
  }
}
