import type { BOUND_COLUMNS } from '../listing/directory-bounds.js';
import type { ChangeKind } from './records.js';

/*
 * The tables that every kind of database has alike, as queries see them. All integers arrive as bigint: numbers of
 * nanoseconds and inodes do not fit a double, and one rule for all columns is easier to keep than a list of them.
 */

interface AttributeColumns {
  mode: bigint;
  uid: bigint;
  gid: bigint;
  links: bigint;
  inode: bigint;
  size: bigint;
  allocated: bigint;
  mtime_ns: bigint;
  ctime_ns: bigint;
  born_ns: bigint | null;
}

interface DirectoriesTable extends AttributeColumns {
  id: bigint;
  /** 0 for a scanned root, whose name is its whole path. */
  parent_id: bigint;
  name: Buffer;
  device: bigint;
  /** Length of the largest file directly inside. */
  largest_file: bigint;
  own_files: bigint;
  own_bytes: bigint;
  own_allocated: bigint;
  total_files: bigint;
  total_directories: bigint;
  total_bytes: bigint;
  total_allocated: bigint;
}

/** See directory-bounds.ts. */
type DirectoryBoundsTable = { readonly directory_id: bigint } & Readonly<
  Record<(typeof BOUND_COLUMNS)[number], bigint>
>;

interface FilesTable extends AttributeColumns {
  directory_id: bigint;
  name: Buffer;
  /** Null where it is the directory's. */
  device: bigint | null;
  /** BLAKE3 of the content; empty: it changed while it was read; null: not known. */
  fingerprint: Buffer | null;
}

type Side<Prefix extends 'old' | 'new'> = {
  [Column in keyof AttributeColumns as `${Prefix}_${Column}`]: AttributeColumns[Column] | null;
} & { [Column in `${Prefix}_device`]: bigint | null } & {
  [Column in `${Prefix}_fingerprint`]: Buffer | null;
} & {
  /** 1 where the size is in the sums of directories, else 0. */
  [Column in `${Prefix}_is_counted`]: bigint;
};

interface FileChangesTable extends Side<'old'>, Side<'new'> {
  sequence: bigint;
  scan_id: bigint;
  recorded_at: bigint;
  kind: ChangeKind;
  path: Buffer;
  previous_path: Buffer | null;
  /** 1 for a row that tells only that a name counts instead of another of its inode, or no more; else 0. */
  is_recount: bigint;
  /** Bytes that count under this name instead of another one of their inode since then; below 0 the other way round. */
  moved_bytes: bigint;
}

interface ScanRunsTable {
  id: bigint;
  root: Buffer;
  source: 'scan' | 'watch';
  status: 'running' | 'finished';
  started_at: bigint;
  finished_at: bigint;
  /** Since when the history that follows is whole, where changes that came after the end were forgotten. */
  history_since: bigint | null;
}

interface MutationLogTable {
  sequence: bigint;
  recorded_at: bigint;
  scan_id: bigint | null;
}

interface ScanErrorsTable {
  scan_id: bigint;
  path: Buffer;
  errno: bigint;
}

interface RepeatedContentsTable {
  fingerprint: Buffer;
  /** Bytes of one copy, and at most of all but one. */
  size: bigint;
  wasted: bigint;
}

/** What queries may read and write. */
export interface CatalogTables {
  directories: DirectoriesTable;
  directory_bounds: DirectoryBoundsTable;
  files: FilesTable;
  file_changes: FileChangesTable;
  scan_runs: ScanRunsTable;
  mutation_log: MutationLogTable;
  scan_errors: ScanErrorsTable;
  repeated_contents: RepeatedContentsTable;
}
