import type { Database } from 'better-sqlite3';
import { type BytePath, childPath, isWithin, splitPath, toBytes } from '../../byte-path.js';
import { readListings } from '../../listing/directory-listing.js';
import type {
  BeginWatchOptions,
  KnownDirectory,
  KnownPlace,
  RecordedBatch,
  WatchBatch,
  WatchRecorder,
} from '../watch-recorder.js';
import { DigestLookup } from './digest-lookup.js';
import { knownDirectories } from './known-directories.js';
import { ListingIntake } from './listing-intake.js';
import { prepared } from './prepared.js';
import { readDirectory } from './read-directories.js';
import { readKnownMounts } from './read-known-mounts.js';
import { type SessionTables, sessionTables } from './session-tables.js';
import { StagedListings } from './staged-listings.js';
import { findStaleLinks } from './stale-links.js';
import { makeTemporaryTables } from './temporary-tables.js';
import { WatchRun } from './watch-run.js';

/** What a recorder is given. */
interface RecorderOptions extends BeginWatchOptions {
  /** Connections of its own, closed when the recorder is. Neither may wait for another's lock. */
  readonly writer: Database;
  readonly reader: Database;
  /** Turns what the database throws into what callers know. */
  readonly translate: (error: unknown) => unknown;
}

/** Records a watch in SQLite: one write transaction a batch, nothing held in between. */
export class SqliteWatchRecorder implements WatchRecorder {
  readonly #run: WatchRun;
  readonly #digests: DigestLookup;

  constructor(private readonly options: RecorderOptions) {
    makeTemporaryTables(options.writer);
    this.#run = new WatchRun(options);
    this.#digests = new DigestLookup(options.reader);
  }

  async *directories(): AsyncGenerator<readonly KnownDirectory[]> {
    try {
      yield* knownDirectories(this.options.reader, this.options.root);
    } catch (error) {
      throw this.options.translate(error);
    }
  }

  knownMounts(): Promise<readonly BytePath[]> {
    const { reader, root } = this.options;
    return this.#attempt(() => readKnownMounts(reader, root));
  }

  nearestKnown(paths: readonly BytePath[]): Promise<readonly (KnownPlace | undefined)[]> {
    return this.#attempt(() => {
      this.#digests.forget();
      return paths.map((path) => this.#nearest(path));
    });
  }

  differing(listings: Uint8Array): Promise<readonly BytePath[]> {
    return this.#attempt(() => {
      const found: BytePath[] = [];
      for (const { path, state, digest, isGone } of readListings(listings)) {
        if (state === 'part') continue;
        const known = this.#digests.at(path);
        const isSame = state === 'read' ? known?.digest?.equals(digest) : known && !isGone;
        if (!isSame) found.push(path);
      }
      return found;
    });
  }

  beginBatch(): Promise<WatchBatch> {
    return this.#attempt(() => new SqliteWatchBatch(this.options, this.#run));
  }

  close(): Promise<void> {
    return this.#attempt(() => {
      this.options.reader.close();
      this.options.writer.close();
    });
  }

  #nearest(path: BytePath): KnownPlace | undefined {
    for (let at: BytePath | undefined = path; at !== undefined; at = splitPath(at)?.parent) {
      if (!isWithin(at, this.options.root)) return undefined;
      const known = this.#digests.at(at);
      if (known) return { path: at, isRead: known.digest !== null };
    }
    return undefined;
  }

  // oxlint-disable-next-line typescript/require-await -- async so that what the database throws becomes a rejection
  async #attempt<Result>(run: () => Result): Promise<Result> {
    try {
      return run();
    } catch (error) {
      throw this.options.translate(error);
    }
  }
}

/** One batch: a transaction from begin to commit. */
class SqliteWatchBatch implements WatchBatch {
  readonly #database: Database;
  readonly #tables: SessionTables;
  readonly #staged: StagedListings;
  readonly #intake: ListingIntake;
  readonly #runBefore: number | undefined;
  readonly #recordedAt: number;
  readonly #after: number;

  constructor(
    private readonly options: RecorderOptions,
    private readonly run: WatchRun,
  ) {
    const { writer, root } = options;
    this.#database = writer;
    writer.exec('BEGIN IMMEDIATE');
    this.#runBefore = run.id;
    this.#recordedAt = run.nextMoment();
    this.#after = this.#cursor();
    this.#tables = sessionTables(writer, root);
    this.#staged = new StagedListings(writer);
    const [tables, staged] = [this.#tables, this.#staged];
    this.#intake = new ListingIntake({ tables, staged, problems: run, isBaseline: false });
  }

  record(listings: Uint8Array): Promise<void> {
    return this.#attempt(() => {
      for (const listing of readListings(listings)) this.#intake.take(listing);
    });
  }

  unknownSubdirectories(listings: readonly Uint8Array[]): Promise<readonly BytePath[]> {
    return this.#attempt(() => {
      const { tree } = this.#tables;
      const unknown: BytePath[] = [];
      for (const listing of listings.flatMap((packed) => [...readListings(packed)])) {
        const parent = tree.find(listing.path);
        const known = new Set(parent && this.#tables.directories.children(parent.id).map(({ name }) => name));
        listing.visit({
          file: () => {},
          directory: (name) => {
            if (!known.has(name)) unknown.push(childPath(listing.path, name));
          },
          problem: () => {},
        });
      }
      return unknown;
    });
  }

  recordGap(path: BytePath): Promise<void> {
    return this.#attempt(() => {
      // Of no run: the watch's may have been forgotten, and this batch need not make it anew.
      prepared(this.#database, "INSERT INTO mutation_log (recorded_at, kind, path) VALUES (?, 'gap', ?)").run(
        this.#recordedAt,
        toBytes(path),
      );
    });
  }

  commit(): Promise<RecordedBatch> {
    return this.#attempt(() => {
      const { files, ledger, links, log } = this.#tables;
      files.flush();
      links.recount({ isBaseline: false });
      const stale = findStaleLinks(this.#database);
      ledger.flush();
      log.pairRenames();
      if (!links.isEmpty) log.markMovedBytes();
      const changes = log.tallies();
      const totals = readDirectory(this.#database, this.options.root)?.totals;
      this.run.add(this.#database, log, { recordedAt: this.#recordedAt, changes, totals });
      const cursor = this.#cursor();
      for (const part of [log, links, this.#staged]) part.clear();
      this.#database.exec('COMMIT');
      this.run.endBatch(true, this.#runBefore);
      const [recordedAt, after, run] = [this.#recordedAt, this.#after, this.run.id];
      return { recordedAt, changes, totals, run, after, cursor, stale };
    });
  }

  abort(): Promise<void> {
    return this.#attempt(() => {
      if (this.#database.inTransaction) this.#database.exec('ROLLBACK');
      this.run.endBatch(false, this.#runBefore);
    });
  }

  #cursor(): number {
    return prepared(this.#database, 'SELECT coalesce(max(sequence), 0) FROM mutation_log')
      .pluck()
      .get() as number;
  }

  // oxlint-disable-next-line typescript/require-await -- async so that what the database throws becomes a rejection
  async #attempt<Result>(run: () => Result): Promise<Result> {
    try {
      return run();
    } catch (error) {
      throw this.options.translate(error);
    }
  }
}
