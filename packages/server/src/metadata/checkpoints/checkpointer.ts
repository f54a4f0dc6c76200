import { stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { FileLock } from '@filetracker/durable-fs';
import { journalFiles, journalPath } from '../journal/files.js';
import type { JournalState } from '../journal/state.js';
import type { Checkpoint, CheckpointDirectory } from './checkpoint-directory.js';

/** When checkpoints are taken. */
export interface CheckpointPolicy {
  /** Longest time between two while there are changes, in milliseconds. */
  readonly interval: number;
  /** Longest journal behind the last one, in bytes; but let it become as long as a checkpoint itself. */
  readonly journalBytes: number;
}

/** A journal of this length is replayed in a few seconds; a day bounds what a feed and a rebuild go through. */
export const DEFAULT_CHECKPOINTS: CheckpointPolicy = {
  interval: 24 * 60 * 60 * 1000,
  journalBytes: 256 * 1024 * 1024,
};

/** What a checkpointer works on. */
interface CheckpointerOptions extends CheckpointPolicy {
  readonly directory: CheckpointDirectory;
  readonly journalDirectory: string;
  readonly journalState: () => JournalState;
  readonly copyTo: (directory: string) => Promise<void>;
  /** Length of the environment in bytes. */
  readonly environmentBytes: () => Promise<number>;
  readonly onError: (error: unknown) => void;
}

/** How often it is looked whether a checkpoint is due, in milliseconds. Costs a few system calls. */
const CHECK_INTERVAL = 5000;

/** Pause after a checkpoint that failed, in milliseconds. */
const RETRY_PAUSE = 10 * 60_000;

/** Checkpoints that are kept. With two, a damaged newest one loses nothing. */
const KEPT = 2;

/**
 * Takes a checkpoint of the metadata when one is due, and drops what the newest two make superfluous: older ones,
 * and journal files that end before them. Of several processes on a store one at a time does it.
 */
export class Checkpointer {
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  readonly #started = Date.now();

  constructor(private readonly options: CheckpointerOptions) {}

  /** Looks now, and from time to time until {@link stop}. */
  start(): void {
    this.#check(0);
  }

  /** Looks at once, if {@link start} was called. */
  checkSoon(): void {
    if (this.#running) this.#again = true;
    else if (this.#timer) this.#check(0);
  }

  /** Ends the looking, and waits for a checkpoint under way. */
  async stop(): Promise<void> {
    await this.#running;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Takes a checkpoint if one is due and no other process is at it; one of this process is waited for. */
  async checkpointIfDue(): Promise<void> {
    await this.#running;
    await this.#takeIfDue();
  }

  async #takeIfDue(): Promise<void> {
    const { directory } = this.options;
    if (!(await this.#isDue())) return;
    await directory.make();
    const lock = FileLock.take(join(directory.path, 'lock'), 'exclusive');
    if (!lock) return;
    try {
      // Another process may have been faster.
      if (!(await this.#isDue())) return;
      await directory.sweep();
      const state = this.options.journalState();
      await directory.add(state, await this.options.environmentBytes(), this.options.copyTo);
      await this.#dropOld(state);
    } finally {
      lock.release();
    }
  }

  #check(delay: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#running = this.#run();
    }, delay);
    this.#timer.unref();
  }

  async #run(): Promise<void> {
    this.#again = false;
    let pause = CHECK_INTERVAL;
    try {
      await this.#takeIfDue();
    } catch (error) {
      this.options.onError(error);
      pause = RETRY_PAUSE;
    }
    this.#running = undefined;
    this.#check(this.#again ? 0 : pause);
  }

  async #isDue(): Promise<boolean> {
    const { interval, journalBytes, journalState } = this.options;
    const state = journalState();
    const [last] = await this.options.directory.list();
    if ((last?.sequence ?? 0) < state.completeSince) return true;
    if (state.sequence <= (last?.sequence ?? 0)) return false;
    if (Date.now() - (last?.time ?? this.#started) >= interval) return true;
    return (await this.#bytesSince(last, state)) >= Math.max(journalBytes, last?.bytes ?? 0);
  }

  async #bytesSince(last: Checkpoint | undefined, state: JournalState): Promise<number> {
    const { file, length } = last?.journal ?? { file: 0, length: 0 };
    let bytes = -length;
    for (const first of await journalFiles(this.options.journalDirectory)) {
      if (first < file || first > state.file) continue;
      bytes += await sizeOf(journalPath(this.options.journalDirectory, first));
    }
    return bytes;
  }

  async #dropOld(state: JournalState): Promise<void> {
    const { directory, journalDirectory } = this.options;
    const checkpoints = await directory.list();
    for (const { path } of checkpoints.slice(KEPT)) await directory.remove(path);
    // An empty store and the whole journal are as good as a checkpoint, until there are two.
    const oldest = checkpoints[KEPT - 1];
    if (!oldest) return;
    const files = await journalFiles(journalDirectory);
    for (const [index, first] of files.entries()) {
      const next = files[index + 1];
      if (next === undefined || next > oldest.sequence + 1 || first >= state.file) break;
      await unlink(journalPath(journalDirectory, first));
    }
  }
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
