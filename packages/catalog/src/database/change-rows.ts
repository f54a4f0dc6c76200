import type { Selectable } from 'kysely';
import { type BytePath, pathFromBytes } from '../byte-path.js';
import type { Attributes } from '../entry.js';
import type { QueryDatabase } from './query-database.js';
import type { ChangeKind, ScanId } from './records.js';
import type { CatalogTables } from './tables.js';

/** A change as it is read in bulk. */
export interface ChangeRow {
  readonly sequence: bigint;
  readonly scan: ScanId;
  readonly recordedAt: number;
  readonly kind: ChangeKind;
  readonly path: BytePath;
  readonly previousPath: BytePath | null;
  readonly before: Attributes | null;
  readonly after: Attributes | null;
  /** BLAKE3 of the content before, where it was known. */
  readonly fingerprintBefore: Buffer | null;
}

/** Which changes to read. */
export interface ChangeRange {
  /** Recorded later than this, in milliseconds since 1970. */
  readonly after?: number;
  /** Recorded at this time or before. */
  readonly upTo?: number;
  /** Found by this scan. */
  readonly scan?: ScanId;
  /** In this directory or below, also what left it. */
  readonly path?: BytePath;
  readonly order: 'oldestFirst' | 'newestFirst';
}

/** Reads changes as they are needed: memory does not grow with their number. */
export async function* readChangeRows(
  database: QueryDatabase,
  { after, upTo, scan, path, order }: ChangeRange,
): AsyncGenerator<ChangeRow> {
  let query = database.tables.selectFrom('file_changes').selectAll();
  if (after !== undefined) query = query.where('recorded_at', '>', BigInt(Math.floor(after)));
  if (upTo !== undefined) query = query.where('recorded_at', '<=', BigInt(Math.floor(upTo)));
  if (scan !== undefined) query = query.where('scan_id', '=', BigInt(scan));
  if (path !== undefined && path !== '/') {
    query = query.where((eb) =>
      eb.or([database.isWithin('path', path), database.isWithin('previous_path', path)]),
    );
  }
  const ordered = query.orderBy('sequence', order === 'oldestFirst' ? 'asc' : 'desc');
  for await (const rows of database.stream(ordered)) for (const row of rows) yield changeRow(row);
}

/** A change from its row. */
export function changeRow(row: Selectable<CatalogTables['file_changes']>): ChangeRow {
  return {
    sequence: row.sequence,
    scan: Number(row.scan_id),
    recordedAt: Number(row.recorded_at),
    kind: row.kind,
    path: pathFromBytes(row.path),
    previousPath: row.previous_path && pathFromBytes(row.previous_path),
    before: side(row, 'old'),
    after: side(row, 'new'),
    fingerprintBefore: row.old_fingerprint,
  };
}

function side(row: Selectable<CatalogTables['file_changes']>, prefix: 'old' | 'new'): Attributes | null {
  if (row[`${prefix}_mode`] === null) return null;
  return {
    mode: Number(row[`${prefix}_mode`]),
    uid: Number(row[`${prefix}_uid`]),
    gid: Number(row[`${prefix}_gid`]),
    links: Number(row[`${prefix}_links`]),
    device: Number(row[`${prefix}_device`]),
    inode: row[`${prefix}_inode`] ?? 0n,
    size: Number(row[`${prefix}_size`]),
    allocated: Number(row[`${prefix}_allocated`]),
    mtimeNs: row[`${prefix}_mtime_ns`] ?? 0n,
    ctimeNs: row[`${prefix}_ctime_ns`] ?? 0n,
    bornNs: row[`${prefix}_born_ns`],
  };
}
