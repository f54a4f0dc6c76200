import { mkdirSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory } from '@filetracker/durable-fs';
import type { Database, RootDatabase } from 'lmdb';
import { type FileEvent, type JournalChange, MAX_CHANGES } from '../journal/codec.js';
import { decodeState, EMPTY_STATE, encodeState, type JournalState, STATE_KEY } from '../journal/state.js';
import { type JournalOptions, JournalWriter, SEQUENCE_LEAP } from '../journal/writer.js';
import { copyError, transactionError } from './commit-error.js';
import { refuseDamaged, refuseDamagedFreeList } from './damage.js';
import { DataFile } from './data-file.js';
import { DATA_FILE, JOURNAL, METADATA } from './layout.js';
import { type OpenOptions, openRoot, openTable } from './open-root.js';
import { OpeningGate } from './opening-gate.js';
import { ChangeRecorder, Table } from './table.js';
import { TABLE_IDS, type Tables } from './tables.js';
import type { AuditedTables } from './view.js';

const TOTALS_KEY = Buffer.from('totals');

/** Told of a commit, and whether the journal lost changes before it, so that only a checkpoint makes up for them. */
type CommitListener = (gap: boolean) => void;

/** A change that waits for the next write transaction. */
interface WaitingChange {
  readonly run: () => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** How an environment is opened. */
interface EnvironmentOptions extends OpenOptions {
  /** Length in bytes at which a file of the journal is followed by the next. */
  readonly journalFileBytes?: number | undefined;
  /** Told when the journal could not be synced; without it, that becomes a warning of the process. */
  readonly onError?: ((error: unknown) => void) | undefined;
  /**
   * Told when this process can neither read nor write any more, so that it should end: see {@link Environment.write}.
   */
  readonly onUnusable?: ((error: unknown) => void) | undefined;
}

/** What an environment works with beside LMDB and the journal. The first two are missing where nobody can write. */
interface EnvironmentParts {
  readonly gate: OpeningGate | undefined;
  readonly dataFile: DataFile | undefined;
  readonly onError: (error: unknown) => void;
  readonly onUnusable: (error: unknown) => void;
}

/** Pause in milliseconds after which it is tried again to begin the journal anew. */
const MENDING_PAUSE = 10_000;

/** Length of a journal file unless another is given. */
export const JOURNAL_FILE_BYTES = 64 * 1024 * 1024;

/**
 * The LMDB environment of a store, and the journal of its changes. Changes that wait at the same moment share a
 * write transaction: a group commit with one fsync and one append to the journal, and no timer when there is only
 * one.
 */
export class Environment {
  readonly tables: Tables;
  readonly #meta: Database<Buffer, Buffer>;
  readonly #recorder = new ChangeRecorder();
  readonly #journal: JournalWriter;
  #waiting: WaitingChange[] = [];
  #scheduled = false;
  /** Write transactions that have begun, or wait until no process opens the environment. */
  readonly #underWay = new Set<Promise<void>>();
  #transaction = 0;
  #mending: NodeJS.Timeout | undefined;
  #closing = false;
  readonly #listeners = new Set<CommitListener>();
  /** Why nothing can be written any more. */
  #unusable: unknown;

  private constructor(
    private readonly root: RootDatabase<Buffer, Buffer>,
    private readonly path: string,
    journal: Omit<JournalOptions, 'onBroken'>,
    private readonly parts: EnvironmentParts,
  ) {
    const table = (name: keyof Tables) => new Table(openTable(root, name), TABLE_IDS[name], this.#recorder);
    this.tables = {
      files: table('files'),
      history: table('history'),
      ended: table('ended'),
      usage: table('usage'),
      contents: table('contents'),
      garbage: table('garbage'),
      unnamed: table('unnamed'),
      tombstones: table('tombstones'),
      meta: table('meta'),
    };
    this.#meta = openTable(root, 'meta');
    this.#journal = new JournalWriter({ ...journal, onBroken: () => this.#mend() });
  }

  /**
   * Opens the environment and the journal of the store in directory `store`, creating them where there are none.
   * Reads nothing but their headers and the list of free pages, as a rule. Throws `MetadataDamagedError`.
   */
  static async open(store: string, options: EnvironmentOptions): Promise<Environment> {
    const { durable, frozen = false, journalFileBytes = JOURNAL_FILE_BYTES } = options;
    const { onError = warn, onUnusable = warn } = options;
    await refuseDamaged(store);
    const path = join(store, METADATA);
    const directory = join(store, JOURNAL);
    if (!frozen) {
      for (const each of [path, directory]) mkdirSync(each, { recursive: true });
      // Always: a process that made them may have died just then.
      if (durable) await syncDirectory(store);
    }
    const journal = { directory, fileBytes: journalFileBytes, durable, onError };
    const gate = frozen ? undefined : new OpeningGate(path);
    const openEnvironment = () => {
      if (!frozen) refuseDamagedFreeList(store);
      const dataFile = frozen ? undefined : new DataFile(path);
      dataFile?.cutUncommitted();
      if (durable) dataFile?.sync();
      const root = openRoot(path, options);
      const parts = { gate, dataFile, onError, onUnusable };
      const environment = new Environment(root, path, journal, parts);
      if (!frozen) environment.#adoptState();
      return environment;
    };
    if (!gate) return openEnvironment();
    const environment = await gate.opening(openEnvironment);
    if (environment.#journal.isBroken(environment.journalState())) environment.#mend();
    return environment;
  }

  /**
   * Runs a change in a write transaction; resolves with what it returns once that is durable. The callback must
   * not throw after its first write, which would stay: it decides first and writes then. It uses the synchronous
   * calls, whose errors belong to this promise.
   *
   * When the very last write of a commit fails, which is that of LMDB's meta page, LMDB refuses everything from then
   * on, reads too, until the process opens it anew; and lmdb-js would leave changes without an answer. They are
   * refused with the reason of the first.
   */
  write<T>(change: () => T): Promise<T> {
    if (this.#unusable !== undefined) return Promise.reject(this.#unusable);
    return new Promise((resolve, reject) => {
      let settle: () => void;
      const run = () => {
        try {
          const result = change();
          settle = () => resolve(result);
        } catch (error) {
          settle = () => reject(error);
        }
      };
      // What a change saw may have been written by another of its transaction: it is told after the commit.
      this.#waiting.push({ run, resolve: () => settle(), reject });
      this.#schedule();
    });
  }

  /** Counts write transactions: another number inside a change, another transaction. */
  get transaction(): number {
    return this.#transaction;
  }

  /** Says, inside a change, what it means to those who follow the store. */
  announce(event: FileEvent): void {
    this.#recorder.announce(event);
  }

  /** How far the journal is committed. */
  journalState(): JournalState {
    const value = this.#meta.get(STATE_KEY);
    if (value) return decodeState(value);
    if (!this.#meta.doesExist(TOTALS_KEY)) return EMPTY_STATE;
    // Written before there was a journal.
    return { ...EMPTY_STATE, sequence: SEQUENCE_LEAP, completeSince: SEQUENCE_LEAP };
  }

  /** The tables that an audit looks at, as they are now. What is not used any more stays until `done` is called. */
  freeze(): { readonly tables: AuditedTables; readonly done: () => void } {
    const transaction = this.root.useReadTransaction();
    const { files, history, contents, meta } = this.tables;
    const tables = {
      files: files.at(transaction),
      history: history.at(transaction),
      contents: contents.at(transaction),
      meta: meta.at(transaction),
    };
    return { tables, done: () => transaction.done() };
  }

  /** Calls `listener` after each commit of this process. */
  onCommit(listener: CommitListener): void {
    this.#listeners.add(listener);
  }

  /** Waits until the journal is as durable as the tables. */
  syncJournal(): Promise<void> {
    return this.#journal.sync();
  }

  /**
   * Copies the environment, as it is at one moment, to `data.mdb` in a directory that has none; writers go on
   * meanwhile.
   */
  async copyTo(directory: string): Promise<void> {
    try {
      await this.root.backup(directory, true);
    } catch (error) {
      throw await copyError(error, directory);
    }
  }

  /** Length of the environment in bytes. */
  async bytes(): Promise<number> {
    return (await stat(join(this.path, DATA_FILE))).size;
  }

  /** Waits for the changes under way and closes. */
  async close(): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#mending);
    // Where nothing can be written any more, lmdb-js leaves some without an answer, and would itself wait for them.
    while (this.#unusable === undefined && this.#underWay.size > 0) await Promise.race(this.#underWay);
    const { gate } = this.parts;
    const close = () => this.root.close();
    if (this.#unusable === undefined) await (gate ? gate.writing(close) : close());
    gate?.close();
    this.parts.dataFile?.close();
    await this.#journal.close();
  }

  #adoptState(): void {
    // Forget the read slots of processes that were killed; they would keep old pages from being used again.
    this.root.readerCheck();
    this.#journal.adopt(this.journalState());
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const running = this.#runNext().finally(() => this.#underWay.delete(running));
    this.#underWay.add(running);
  }

  /** Begins a broken journal anew at once, and not with the next change: a checkpoint then makes up for what it lost. */
  #mend(): void {
    this.#mending = undefined;
    if (!this.#closing) this.#schedule();
  }

  #mendLater(): void {
    if (!this.#closing) this.#mending ??= setTimeout(() => this.#mend(), MENDING_PAUSE).unref();
  }

  async #runNext(): Promise<void> {
    const { gate, onError, onUnusable } = this.parts;
    let batch: readonly WaitingChange[] | undefined;
    let gap = false;
    const take = () => {
      this.#scheduled = false;
      batch = this.#waiting.splice(0, MAX_CHANGES);
      if (this.#waiting.length > 0) this.#schedule();
      return batch;
    };
    const transaction = () =>
      // As a child it is undone when the journal cannot be written: lmdb undoes nothing else.
      this.root.childTransaction(() => {
        gap = this.#runBatch(take());
      });
    try {
      await (gate ? gate.writing(transaction) : transaction());
    } catch (error) {
      const reason = await transactionError(error, this.path);
      if (!this.#canRead()) {
        this.#unusable = reason;
        onUnusable(reason);
      } else if (this.#journal.isBroken(this.journalState())) this.#mendLater();
      const refused = batch ?? take();
      for (const { reject } of refused) reject(reason);
      if (refused.length === 0) onError(reason);
      return;
    }
    for (const { resolve } of batch ?? []) resolve();
    for (const listener of this.#listeners) listener(gap);
  }

  #canRead(): boolean {
    try {
      // A transaction that was begun before would still read.
      this.root.resetReadTxn();
      this.journalState();
      return true;
    } catch {
      return false;
    }
  }

  /** True when the journal has a gap before these changes. */
  #runBatch(batch: readonly WaitingChange[]): boolean {
    this.#transaction++;
    // Before anything of this transaction reaches the file.
    this.parts.dataFile?.cutUncommitted();
    const before = this.journalState();
    const changes: JournalChange[] = [];
    for (const { run } of batch) {
      run();
      const change = this.#recorder.take();
      if (change) changes.push(change);
    }
    if (changes.length === 0 && !this.#journal.isBroken(before)) return false;
    const after = this.#journal.append(before, changes);
    this.#meta.putSync(STATE_KEY, encodeState(after));
    return after.completeSince > before.completeSince;
  }
}

/** What becomes of a failure in the background when nobody is to be told. */
export function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error));
}
