import type { BytePath } from '../byte-path.js';
import type { ChangeTallies, ScanRun, Totals } from './records.js';

/** What begins the record of a watch. */
export interface BeginWatchOptions {
  /** The watched directory. The catalog knows it already: a watch begins with a scan. */
  readonly root: BytePath;
  /** Free-form data to keep with the run. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** A directory as the catalog has it, for a quick comparison with the disk. */
export interface KnownDirectory {
  readonly path: BytePath;
  readonly device: number;
  readonly inode: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** The nearest directory at or above a path that the catalog knows. */
export interface KnownPlace {
  readonly path: BytePath;
  /** Whether its entries are known: false where it could not be read or was not entered. */
  readonly isRead: boolean;
}

/**
 * Where a watch records what it sees, batch by batch. All batches of one watcher are one run of the source `watch`,
 * whose row is up to date after each; a watcher that sees nothing change leaves no row.
 *
 * Between batches nothing is locked. Scans and other watches of the same tree may run at any time: writers take
 * turns, each batch or scan as a whole, and each compares what it saw with what the catalog has by then. So a change
 * is recorded once, by whoever comes first.
 */
export interface WatchRecorder {
  /** Every directory in and below the root, in lots of a few thousand, parents before what is below them. */
  directories(): AsyncIterable<readonly KnownDirectory[]>;

  /** As {@link ScanSession.knownMounts}, in the state of the moment. */
  knownMounts(): Promise<readonly BytePath[]>;

  /** For each path the nearest place at or above it and not above the root; undefined where there is none. */
  nearestKnown(paths: readonly BytePath[]): Promise<readonly (KnownPlace | undefined)[]>;

  /** Of packed listings the directories that the catalog has otherwise or not at all. Reads only. */
  differing(listings: Uint8Array): Promise<readonly BytePath[]>;

  /** Begins a batch. Fails with {@link CatalogError} `busy`, at once, while someone else is writing. */
  beginBatch(): Promise<WatchBatch>;

  /** Lets go of the database. A batch must have ended before. */
  close(): Promise<void>;
}

/** Some changes that become visible together. Exactly one of {@link commit} and {@link abort} ends it. */
export interface WatchBatch {
  /**
   * Takes in listings by the rules of {@link ScanSession.record}. Those of directories that the catalog does not know
   * come behind the one that names them. What a listing finds gone stays gone in this batch: listings of it, or of
   * what was below it, that come later are left out, so that a batch tells of each path at most once that something
   * left it and once that something came.
   */
  record(listings: Uint8Array): Promise<void>;

  /**
   * Directories that these listings name and of which nothing is known, also not from this batch. They need listings
   * of their own, with all below them.
   */
  unknownSubdirectories(listings: readonly Uint8Array[]): Promise<readonly BytePath[]>;

  /** Notes that events about a directory and what is below it were lost, in front of the batch's changes. */
  recordGap(path: BytePath): Promise<void>;

  /**
   * Makes the batch visible, at once and durably: directories with all totals, files, `file_changes`,
   * `mutation_log` and the run.
   */
  commit(): Promise<RecordedBatch>;

  /** Drops everything. */
  abort(): Promise<void>;
}

/** What a batch came to. */
export interface RecordedBatch {
  readonly recordedAt: number;
  readonly changes: ChangeTallies;
  /** Totals of the root after the batch; undefined where the catalog does not know the root any more. */
  readonly totals: Totals | undefined;
  /** The watch's run; undefined as long as it has changed nothing. */
  readonly run: ScanRun['id'] | undefined;
  /** The batch's rows of the mutation log are those behind `after`, up to and including `cursor`. */
  readonly after: number;
  readonly cursor: number;
  /**
   * Directories that hold other names of files that changed: what the catalog has of those names is older. Events do
   * not tell of them, so they need to be looked at.
   */
  readonly stale: readonly BytePath[];
}
