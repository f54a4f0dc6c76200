import type { Database } from 'better-sqlite3';
import { isWithin, pathFromBytes, toBytes } from '../../byte-path.js';
import type { ChangeFilter, ScanFilter } from '../catalog.js';
import type { ChangeKind, FileChange, ScanError, ScanId, ScanRun } from '../records.js';
import { subtreeRange } from './read-directories.js';
import { type AttributeRow, attributesFromRow } from './row-mapping.js';

/** Runs, newest first. */
export function* readScans(database: Database, { path, limit }: ScanFilter): Generator<ScanRun> {
  let left = limit ?? Number.POSITIVE_INFINITY;
  const rows = database.prepare<[], ScanRow>(
    "SELECT * FROM scan_runs WHERE status = 'finished' ORDER BY id DESC",
  );
  for (const row of rows.iterate()) {
    if (left <= 0) return;
    const run = scanRun(row);
    if (path !== undefined && !isWithin(run.root, path) && !isWithin(path, run.root)) continue;
    left--;
    yield run;
  }
}

/** What a run could not read. */
export function* readErrors(database: Database, scan: ScanId): Generator<ScanError> {
  const rows = database.prepare<[number], { path: Buffer; errno: number }>(
    'SELECT path, errno FROM scan_errors WHERE scan_id = ? ORDER BY rowid',
  );
  for (const { path, errno } of rows.iterate(scan)) yield { scan, path: pathFromBytes(path), errno };
}

/** Changes, oldest first. */
export function* readChanges(database: Database, filter: ChangeFilter): Generator<FileChange> {
  const { where, values } = changeConditions(filter);
  const rows = database
    .prepare<(number | string | Buffer)[], ChangeRow>(`SELECT * FROM file_changes ${where} ORDER BY sequence`)
    .safeIntegers();
  for (const row of rows.iterate(...values)) yield fileChange(row);
}

function changeConditions({ scan, since, until, kinds, path, minimumSize }: ChangeFilter) {
  const conditions: string[] = [];
  const values: (number | string | Buffer)[] = [];
  const add = (condition: string, ...given: (number | string | Buffer)[]) => {
    conditions.push(condition);
    values.push(...given);
  };
  if (scan !== undefined) add('scan_id = ?', scan);
  if (since !== undefined) add('recorded_at >= ?', since);
  if (until !== undefined) add('recorded_at < ?', until);
  if (kinds !== undefined) add(`kind IN (${kinds.map(() => '?').join(', ')})`, ...kinds);
  if (minimumSize !== undefined) {
    add('coalesce(new_mode, old_mode) >> 12 <> 4');
    add('max(coalesce(old_size, 0), coalesce(new_size, 0)) >= ?', minimumSize);
  }
  if (path !== undefined) {
    const { from, to } = subtreeRange(path);
    const here = toBytes(path);
    add(
      '(path = ? OR (path >= ? AND path < ?) OR previous_path = ? OR (previous_path >= ? AND previous_path < ?))',
      here,
      from,
      to,
      here,
      from,
      to,
    );
  }
  return { where: conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '', values };
}

interface ScanRow {
  readonly [column: string]: number | string | Buffer;
  readonly root: Buffer;
  readonly source: 'scan' | 'watch';
  readonly metadata: string;
}

function scanRun(row: ScanRow): ScanRun {
  const tally = (kind: ChangeKind) => ({
    files: Number(row[`${kind}_files`]),
    bytes: Number(row[`${kind}_bytes`]),
  });
  return {
    id: Number(row['id']),
    root: pathFromBytes(row.root),
    source: row.source,
    startedAt: Number(row['started_at']),
    finishedAt: Number(row['finished_at']),
    isBaseline: row['is_baseline'] === 1,
    totals: {
      files: Number(row['files']),
      directories: Number(row['directories']),
      bytes: Number(row['bytes']),
      allocated: Number(row['allocated']),
    },
    changes: {
      new: tally('new'),
      modified: tally('modified'),
      renamed: tally('renamed'),
      removed: tally('removed'),
      newDirectories: Number(row['new_directories']),
      removedDirectories: Number(row['removed_directories']),
    },
    errors: Number(row['errors']),
    unreadableDirectories: Number(row['unreadable_directories']),
    metadata: JSON.parse(row.metadata) as Record<string, unknown>,
  };
}

type Side<Prefix extends 'old' | 'new'> = {
  readonly [Column in keyof AttributeRow as `${Prefix}_${Column}`]: AttributeRow[Column] | null;
};

interface ChangeRow extends Side<'old'>, Side<'new'> {
  readonly sequence: bigint;
  readonly scan_id: bigint;
  readonly recorded_at: bigint;
  readonly kind: ChangeKind;
  readonly path: Buffer;
  readonly previous_path: Buffer | null;
}

function fileChange(row: ChangeRow): FileChange {
  return {
    sequence: Number(row.sequence),
    scan: Number(row.scan_id),
    recordedAt: Number(row.recorded_at),
    kind: row.kind,
    path: pathFromBytes(row.path),
    previousPath: row.previous_path && pathFromBytes(row.previous_path),
    before: row.old_mode === null ? null : attributesFromRow(side(row, 'old')),
    after: row.new_mode === null ? null : attributesFromRow(side(row, 'new')),
  };
}

const COLUMNS = [
  'mode',
  'uid',
  'gid',
  'links',
  'device',
  'inode',
  'size',
  'allocated',
  'mtime_ns',
  'ctime_ns',
  'born_ns',
] as const satisfies readonly (keyof AttributeRow)[];

function side(row: ChangeRow, prefix: 'old' | 'new'): AttributeRow {
  return Object.fromEntries(
    COLUMNS.map((column) => [column, row[`${prefix}_${column}`]]),
  ) as unknown as AttributeRow;
}
