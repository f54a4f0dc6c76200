import type { ByteName, BytePath } from '../byte-path.js';
import type { Attributes } from '../entry.js';
import type { Compilable, Kysely, RawBuilder, SelectQueryBuilder, SqlBool } from '../kysely.js';
import type { ChangeRange } from './change-range.js';
import type { WantedChanges } from './change-texts.js';
import type { DirectoryPlaces } from './directory-paths.js';
import type { FileGroupField } from './file-groups.js';
import type { CatalogTables } from './tables.js';
import type { LineColumns } from './text-lines.js';

/** The columns that hold whole paths. */
export type PathColumn = 'path' | 'previous_path' | 'scan_errors.path';

/** The columns that hold numbers of directories. */
export type DirectoryColumn = 'id' | 'directory_id' | 'parent_id';

/** The tables whose rows are read as lines. */
export type LineTable = 'files' | 'file_changes';

/** A query about files, of which nothing is selected yet. */
export type FilesQuery = SelectQueryBuilder<CatalogTables, 'files', object>;

/** A row of {@link QueryDatabase.streamLines}. */
export interface Line {
  readonly line: string;
}

/**
 * The trees of one machine as reports see them: its rows of all tables, whatever kind of database holds them and who
 * else shares it. While it is open, all queries see one state: that after a whole number of finished scans. Queries
 * fail with {@link CatalogError} `unavailable` when the database does.
 */
export interface QueryDatabase {
  readonly tables: Kysely<CatalogTables>;

  /** Reads the rows of a query as they are needed, some at a time: the first come at once, and memory is bounded. */
  stream<Row>(query: Compilable<Row>): AsyncIterable<readonly Row[]>;

  /**
   * Reads the lines of several queries, which are never empty: those of one query after those of the other, as they are
   * needed, many at a time. The queries look at most rows of a table, one after the other, or for those of many
   * directories; where it is worth that, in several threads or processes of the server. All see the one state nevertheless.
   */
  streamLines(queries: readonly Compilable<Line>[]): AsyncIterable<readonly string[]>;

  /**
   * Conditions on a column of numbers of directories, which divide a table into parts for {@link streamLines}, in
   * ascending order; a single one where that is not worth it.
   */
  directoryParts(column: DirectoryColumn): readonly RawBuilder<SqlBool>[];

  /** The numbers of a directory and of all below it, as a subquery. */
  subtree(directory: bigint): RawBuilder<bigint>;

  /** Whether a column holds one of many numbers of directories. */
  isAmong(column: DirectoryColumn, directories: readonly bigint[]): RawBuilder<SqlBool>;

  /** The files directly in directories, all of which are of this machine. */
  filesIn(directories: readonly bigint[]): FilesQuery;

  /** Whether these bytes stand anywhere in a name. */
  contains(column: 'name', bytes: Uint8Array): RawBuilder<SqlBool>;

  /** Whether a column names this path. */
  isPath(column: PathColumn, path: BytePath): RawBuilder<SqlBool>;

  /** Whether a row of `file_changes`, which is read in the order of the sequences, belongs to a part of the history. */
  isInRange(range: ChangeRange): RawBuilder<SqlBool>;

  /**
   * Reads changes as texts, see change-texts.ts, in bounded memory. The texts come in the order of the range; within
   * one the oldest is always the first.
   */
  changeTexts(wanted: WantedChanges): AsyncIterable<Buffer>;

  /** Where directories are; there may be more of them than were asked for. */
  directoryPlaces(ids: readonly bigint[]): Promise<DirectoryPlaces>;

  /** Whether a column names a path or something below it; `/a-1` is not below `/a`. */
  isWithin(column: PathColumn, path: BytePath): RawBuilder<SqlBool>;

  /** An aggregate of rows of `files` that are grouped, see file-groups.ts; null where there are none. */
  fileGroup(field: FileGroupField): RawBuilder<string | null>;

  /** Columns of a row as one text, see text-lines.ts. */
  line(table: LineTable, columns: LineColumns): RawBuilder<string>;

  /**
   * Runs something that writes, apart from the state that {@link tables} shows, in one transaction: all of it becomes
   * durable, or when `work` throws none. Fails with {@link CatalogError} `busy` while a scan is writing.
   */
  write<Result>(work: (writer: QueryWriter) => Promise<Result>): Promise<Result>;

  /** Gives space back that deleted rows left, where the database does not by itself. */
  compact(): Promise<void>;

  close(): Promise<void>;
}

/** What is written through in one transaction. */
export interface QueryWriter {
  readonly tables: Kysely<CatalogTables>;

  /**
   * Deletes the changes that were recorded before a moment (milliseconds since 1970) and tells how many. Takes whole
   * months away at once where the database keeps them apart and nothing of other machines is in them.
   */
  forgetChanges(before: bigint): Promise<number>;

  /**
   * Stores fingerprints of files that the catalog knows as they were when they were read: a later scan may have recorded
   * another state meanwhile.
   */
  storeFingerprints(read: readonly ReadFingerprint[]): Promise<void>;

  /** Notes which of these contents several files have, see repeated-contents.ts. */
  noteRepeated(fingerprints: readonly Buffer[]): Promise<void>;
}

/** The fingerprint of a file that was read. */
export interface ReadFingerprint {
  readonly directory: BytePath;
  readonly name: ByteName;
  /** What the file was then. */
  readonly state: Pick<Attributes, 'inode' | 'size' | 'mtimeNs' | 'ctimeNs'>;
  /** Empty where the file changed while it was read. */
  readonly fingerprint: Buffer;
  /** The number of the change that led to that state, which gets the fingerprint too. */
  readonly change: bigint | undefined;
}
