import type { BytePath } from '../byte-path.js';
import type { KnownDigests } from '../listing/known-digests.js';
import type {
  ChangeKind,
  DirectoryRecord,
  FileChange,
  FileRecord,
  Mutation,
  MutationKind,
  ScanError,
  ScanId,
  ScanRun,
} from './records.js';
import type { BeginWatchOptions, WatchRecorder } from './watch-recorder.js';

/** What begins a scan. */
export interface BeginScanOptions {
  /** The directory to scan. It may lie inside a scanned tree or hold scanned trees: one catalog is one tree. */
  readonly root: BytePath;
  readonly source: 'scan' | 'watch';
  /** Free-form data to keep with the run. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Only tell: {@link ScanSession.finish} returns the run that would be recorded and records nothing. */
  readonly isPreview?: boolean;
  /** Readers that come meanwhile may fail with `busy` if the catalog has no runs yet: some databases are faster so. */
  readonly isExclusive?: boolean;
}

/** Which runs to show; all of them without a filter. Newest first. */
export interface ScanFilter {
  /** Runs whose root is this path, lies below it, or holds it. */
  readonly path?: BytePath;
  readonly limit?: number;
}

/** Which changes to show; all of them without a filter. In the order in which they were recorded. */
export interface ChangeFilter {
  readonly scan?: ScanId;
  /** Recorded at this time or later, in milliseconds since 1970. */
  readonly since?: number;
  /** Recorded before this time. */
  readonly until?: number;
  readonly kinds?: readonly ChangeKind[];
  /** In this directory or below; renames also when they left it. */
  readonly path?: BytePath;
  /** Of files (no directories) where the larger of size before and after is at least this many bytes. */
  readonly minimumSize?: number;
  /** With rows that tell only of sums: {@link FileChange.isRecount}. */
  readonly withRecounts?: boolean;
}

/** Which mutations to show; all of them without a filter. Oldest first. */
export interface MutationFilter {
  /** Behind this place in the log. */
  readonly after?: number;
  /** Up to and including this place. */
  readonly upTo?: number;
  /** Recorded at this time or later, in milliseconds since 1970. */
  readonly since?: number;
  readonly kinds?: readonly MutationKind[];
  /** In this directory or below, also what left it; scans and gaps also where they hold it. */
  readonly path?: BytePath;
}

/**
 * A catalog of directory trees and their history. Paths are absolute bytes.
 *
 * Every reading method sees the state after a whole number of finished scans. Methods fail with {@link CatalogError}
 * `unavailable` when the database does.
 */
export interface Catalog {
  /**
   * Begins a scan. Nothing of it is visible before {@link ScanSession.finish}, and a program that dies leaves nothing
   * behind. Fails with `busy` while another scan or watch is writing to what this one would.
   */
  beginScan(options: BeginScanOptions): Promise<ScanSession>;

  /** Begins to record a watch. Nothing is locked until a batch begins. */
  beginWatch(options: BeginWatchOptions): Promise<WatchRecorder>;

  /** Runs that have finished, and watches that have recorded something. */
  scans(filter?: ScanFilter): AsyncIterable<ScanRun>;

  /**
   * Changes that runs found. What one run found happened at once: who replays it takes away first what is `removed` and
   * what stood under the `previousPath` of renames, and then puts the rest in place; names may have been swapped.
   */
  changes(filter?: ChangeFilter): AsyncIterable<FileChange>;

  /** The log that followers of events read: a watch's changes one by one, a scan that found some as one. */
  mutations(filter?: MutationFilter): AsyncIterable<Mutation>;

  /** The newest place in the log of mutations; 0 as long as it is empty. */
  mutationCursor(): Promise<number>;

  /** What a run could not read. */
  errors(scan: ScanId): AsyncIterable<ScanError>;

  /** What is known of a directory; undefined when nothing is. */
  directory(path: BytePath): Promise<DirectoryRecord | undefined>;

  /** Directories directly below one, in byte order of their names; none when nothing is known of it. */
  subdirectories(path: BytePath): AsyncIterable<DirectoryRecord>;

  /** Entries of a directory that are no directories, in byte order of their names; none when nothing is known of it. */
  files(path: BytePath): AsyncIterable<FileRecord>;

  /** Lets go of the database. Sessions must have ended before. */
  close(): Promise<void>;
}

/** A scan that is being recorded. Exactly one of {@link finish} and {@link abort} ends it. */
export interface ScanSession {
  /** The run's number once it has finished. */
  readonly id: ScanId;

  /** Whether this is the first look at the root. */
  readonly isBaseline: boolean;

  /** What the catalog knew of the root when the scan began; undefined for a baseline. */
  readonly previous: DirectoryRecord | undefined;

  /** Whether listings need tell no more than sums, see {@link Omissions}. */
  readonly wantsOnlySums: boolean;

  /**
   * Digests of listings that the catalog has, as many as bounded memory takes; undefined where it has none. A crawl
   * that is given them leaves out what is as it was. Other roots are not among them: a tree that was scanned by itself
   * joins the one around it when its listing comes.
   */
  knownDigests(): Promise<KnownDigests | undefined>;

  /**
   * Directories below the root that were mount points when they were last looked at, or roots of trees that were scanned
   * by themselves, with files in them: of one that is suddenly empty, and on the device of the directory around it, the
   * file system is most likely not mounted.
   */
  knownMounts(): Promise<readonly BytePath[]>;

  /**
   * Takes in directory listings, packed as {@link ListingWriter} does. Listings come in any order, each directory
   * once; parts of one directory in their order. The catalog's directory becomes what its listing says, with these
   * rules: a directory that could not be read keeps what is known of it, one that was not entered too; an entry that
   * could not be looked at keeps what is known of it; a subdirectory that its parent's listing lacks goes with all
   * below it. The memory must not be changed afterwards.
   */
  record(listings: Uint8Array): Promise<void>;

  /** Pairs renames, brings all totals up to date and makes the scan visible, at once and durably. */
  finish(): Promise<ScanRun>;

  /** Drops everything. The catalog is as if the scan had never begun. */
  abort(): Promise<void>;
}
