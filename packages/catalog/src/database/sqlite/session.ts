import type { Database } from 'better-sqlite3';
import type { BytePath } from '../../byte-path.js';
import { readListings } from '../../listing/directory-listing.js';
import type { KnownDigests } from '../../listing/known-digests.js';
import type { BeginScanOptions, ScanSession } from '../catalog.js';
import type { DirectoryRecord, ScanRun } from '../records.js';
import { ListingIntake } from './listing-intake.js';
import { leaveLog, returnToLog } from './open-database.js';
import { readDirectory } from './read-directories.js';
import { readKnownDigests } from './read-known-digests.js';
import { readKnownMounts } from './read-known-mounts.js';
import { RunRecord } from './run-record.js';
import { type SessionTables, sessionTables } from './session-tables.js';
import { StagedListings } from './staged-listings.js';
import { makeTemporaryTables } from './temporary-tables.js';

/** What a session is given. */
interface SessionOptions extends BeginScanOptions {
  /** A connection of its own, closed when the session ends. */
  readonly database: Database;
  /** Called once when the session has ended. */
  readonly onEnd: () => void;
  /** Turns what the database throws into what callers know. */
  readonly translate: (error: unknown) => unknown;
}

/** A scan into SQLite: one write transaction from begin to finish. */
export class SqliteScanSession implements ScanSession {
  readonly wantsOnlySums = false;
  readonly previous: DirectoryRecord | undefined;
  readonly #options: SessionOptions;
  readonly #database: Database;
  readonly #tables: SessionTables;
  readonly #staged: StagedListings;
  readonly #run: RunRecord;
  readonly #intake: ListingIntake;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#database = options.database;
    if (options.isExclusive && !options.isPreview) leaveLog(this.#database);
    makeTemporaryTables(this.#database);
    this.#database.exec('BEGIN IMMEDIATE');
    this.previous = readDirectory(this.#database, options.root);
    this.#tables = sessionTables(this.#database, options.root);
    this.#staged = new StagedListings(this.#database);
    const { isBaseline } = this;
    this.#run = new RunRecord(this.#database, { ...options, isBaseline });
    const [tables, staged, problems] = [this.#tables, this.#staged, this.#run];
    this.#intake = new ListingIntake({ tables, staged, problems, isBaseline });
  }

  get id(): number {
    return this.#run.id;
  }

  get isBaseline(): boolean {
    return this.previous === undefined;
  }

  knownDigests(): Promise<KnownDigests | undefined> {
    return this.#attempt(() =>
      this.isBaseline ? undefined : readKnownDigests(this.#database, this.#options.root),
    );
  }

  knownMounts(): Promise<readonly BytePath[]> {
    return this.#attempt(() => readKnownMounts(this.#database, this.#options.root));
  }

  record(listings: Uint8Array): Promise<void> {
    return this.#attempt(() => {
      for (const listing of readListings(listings)) this.#intake.take(listing);
    });
  }

  finish(): Promise<ScanRun> {
    return this.#attempt(() => {
      const { files, ledger, links, log } = this.#tables;
      files.flush();
      links.recount(this);
      ledger.flush();
      log.pairRenames();
      if (!links.isEmpty) log.markMovedBytes();
      const run = this.#run.finish(log, readDirectory(this.#database, this.#options.root)?.totals);
      for (const part of [log, links, this.#staged]) part.clear();
      this.#database.exec(this.#options.isPreview ? 'ROLLBACK' : 'COMMIT');
      if (this.#options.isExclusive) returnToLog(this.#database);
      this.#end();
      return run;
    });
  }

  abort(): Promise<void> {
    return this.#attempt(() => {
      if (this.#database.inTransaction) this.#database.exec('ROLLBACK');
      this.#end();
    });
  }

  // oxlint-disable-next-line typescript/require-await -- async so that what the database throws becomes a rejection
  async #attempt<Result>(run: () => Result): Promise<Result> {
    try {
      return run();
    } catch (error) {
      throw this.#options.translate(error);
    }
  }

  #end(): void {
    this.#database.close();
    this.#options.onEnd();
  }
}
