import type { Database } from 'better-sqlite3';
import { isWithin, pathFromBytes } from '../../byte-path.js';
import type { ChangeFilter, ScanFilter } from '../catalog.js';
import { changeRange } from '../change-range.js';
import type { FileChange, ScanError, ScanId, ScanRun } from '../records.js';
import { type ChangeRow, fileChange, type ScanRow, scanRun } from '../row-mapping.js';
import { rangeCondition } from './change-range.js';

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
  const { text, values } = changeCondition(database, filter);
  const rows = database
    .prepare<(number | string | Buffer)[], ChangeRow>(
      `SELECT * FROM file_changes WHERE ${text} ORDER BY sequence`,
    )
    .safeIntegers();
  for (const row of rows.iterate(...values)) yield fileChange(row);
}

function changeCondition(database: Database, filter: ChangeFilter) {
  const { kinds, minimumSize, withRecounts = false } = filter;
  const range = rangeCondition(database, changeRange(filter));
  const conditions = [range.text];
  const values: (number | string | Buffer)[] = [...range.values];
  if (!withRecounts) conditions.push('is_recount = 0');
  if (kinds !== undefined) {
    conditions.push(`kind IN (${kinds.map(() => '?').join(', ')})`);
    values.push(...kinds);
  }
  if (minimumSize !== undefined) {
    conditions.push(
      'coalesce(new_mode, old_mode) >> 12 <> 4',
      'max(coalesce(old_size, 0), coalesce(new_size, 0)) >= ?',
    );
    values.push(minimumSize);
  }
  return { text: conditions.join(' AND '), values };
}
