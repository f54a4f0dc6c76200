import type { Database } from 'better-sqlite3';
import { isWithin, pathFromBytes, toBytes } from '../../byte-path.js';
import type { ChangeFilter, ScanFilter } from '../catalog.js';
import type { FileChange, ScanError, ScanId, ScanRun } from '../records.js';
import { type ChangeRow, fileChange, type ScanRow, scanRun } from '../row-mapping.js';
import { subtreeRange } from '../subtree-range.js';

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
