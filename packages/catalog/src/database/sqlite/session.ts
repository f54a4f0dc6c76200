import { constants } from 'node:os';
import type { Database } from 'better-sqlite3';
import { type BytePath, childPath } from '../../byte-path.js';
import { type DirectoryListing, readListings } from '../../listing/directory-listing.js';
import type { BeginScanOptions, ScanSession } from '../catalog.js';
import type { DirectoryRecord, ScanRun } from '../records.js';
import type { DirectoryNode, FreePlace } from './directory-tree.js';
import { type FreshSums, insertFresh, noSums } from './insert-fresh.js';
import { mergeListing, mergeStaged, updateAttributes } from './merge-listing.js';
import { readDirectory } from './read-directories.js';
import { removeSubtree } from './remove-subtree.js';
import { RunRecord } from './run-record.js';
import { type SessionTables, sessionTables } from './session-tables.js';
import { StagedListings } from './staged-listings.js';

/** What a session is given. */
interface SessionOptions extends BeginScanOptions {
  /** A connection of its own, closed when the session ends. */
  readonly database: Database;
  /** Called once when the session has ended. */
  readonly onEnd: () => void;
  /** Turns what the database throws into what callers know. */
  readonly translate: (error: unknown) => unknown;
}

const { ENOENT, ENOTDIR } = constants.errno;

/** A scan into SQLite: one write transaction from begin to finish. */
export class SqliteScanSession implements ScanSession {
  readonly previous: DirectoryRecord | undefined;
  readonly #options: SessionOptions;
  readonly #database: Database;
  readonly #tables: SessionTables;
  readonly #staged: StagedListings;
  readonly #run: RunRecord;
  /** Sums of very large new directories of which parts have come. */
  readonly #parts = new Map<BytePath, FreshSums>();

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#database = options.database;
    this.#database.exec('BEGIN IMMEDIATE');
    this.previous = readDirectory(this.#database, options.root);
    this.#tables = sessionTables(this.#database, options.root);
    this.#staged = new StagedListings(this.#database);
    this.#run = new RunRecord(this.#database, { ...options, isBaseline: this.isBaseline });
  }

  get id(): number {
    return this.#run.id;
  }

  get isBaseline(): boolean {
    return this.previous === undefined;
  }

  record(listings: Uint8Array): Promise<void> {
    return this.#attempt(() => {
      for (const listing of readListings(listings)) this.#take(listing);
    });
  }

  finish(): Promise<ScanRun> {
    return this.#attempt(() => {
      const { files, ledger, links, log } = this.#tables;
      files.flush();
      links.recount();
      ledger.flush();
      log.pairRenames();
      const run = this.#run.finish(log, readDirectory(this.#database, this.#options.root)?.totals);
      for (const part of [log, links, this.#staged]) part.close();
      this.#database.exec(this.#options.isPreview ? 'ROLLBACK' : 'COMMIT');
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

  #take(listing: DirectoryListing): void {
    if (listing.state === 'unreadable') this.#takeUnreadable(listing);
    else if (listing.state === 'notEntered') this.#keep(listing);
    else this.#takeEntries(listing);
  }

  #takeEntries(listing: DirectoryListing): void {
    const found = this.#tables.tree.locate(listing.path);
    this.#noteProblems(listing);
    if (!('id' in found) || found.isFresh) this.#takeFresh(listing, found);
    else if (listing.state === 'part' || this.#staged.has(found.id)) this.#takeStaged(listing, found);
    else if (!found.digest?.equals(listing.digest)) mergeListing(this.#tables, found, listing);
  }

  #takeFresh(listing: DirectoryListing, found: DirectoryNode | FreePlace): void {
    const earlier = this.#parts.get(listing.path) ?? noSums();
    const sums = insertFresh(this.#tables, { found, listing, earlier, isBaseline: this.isBaseline });
    if (listing.state === 'part') this.#parts.set(listing.path, sums);
    else this.#parts.delete(listing.path);
  }

  #takeStaged(listing: DirectoryListing, node: DirectoryNode): void {
    this.#staged.add(node.id, listing);
    if (listing.state === 'part') return;
    if (!node.digest?.equals(listing.digest)) {
      mergeStaged(this.#tables, { staged: this.#staged, node, last: listing });
    }
    this.#staged.clear(node.id);
  }

  /** What is known of a directory that could not be read stays, unless it is not there any more. */
  #takeUnreadable(listing: DirectoryListing): void {
    const { path, errno } = listing;
    this.#run.addError(path, errno);
    if (errno === ENOENT || errno === ENOTDIR) {
      const gone = this.#tables.tree.find(path);
      if (gone) removeSubtree(this.#tables, { ...gone, path });
      return;
    }
    this.#run.countUnreadableDirectory();
    this.#keep(listing);
  }

  #keep(listing: DirectoryListing): void {
    const found = this.#tables.tree.locate(listing.path);
    if (!('id' in found) || found.isFresh) {
      this.#takeFresh(listing, found);
      return;
    }
    this.#staged.clear(found.id);
    const after = listing.attributes();
    const before = updateAttributes(this.#tables, { node: found, path: listing.path }, after);
    if (before.ctimeNs !== after.ctimeNs || before.inode !== after.inode) {
      this.#tables.directories.setAttributes(found.id, after);
    }
  }

  #noteProblems(listing: DirectoryListing): void {
    if (listing.problemCount === 0) return;
    listing.visit({
      file: () => {},
      directory: () => {},
      problem: ({ name, errno }) => this.#run.addError(childPath(listing.path, name), errno),
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
