import { type BytePath, pathFromBytes } from '../byte-path.js';
import type { Attributes } from '../entry.js';
import type { Selectable } from '../kysely.js';
import type { OrderedRange } from './change-range.js';
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

/** Reads changes of files as they are needed, no recounts: memory does not grow with their number. */
export async function* readChangeRows(
  database: QueryDatabase,
  range: OrderedRange,
): AsyncGenerator<ChangeRow> {
  const changes = changesIn(database, range).where('is_recount', '=', 0n);
  for await (const rows of database.stream(changes.selectAll())) {
    for (const row of rows) yield changeRow(row);
  }
}

/** Selects the rows of a range in their order, recounts too. */
function changesIn(database: QueryDatabase, { order, ...range }: OrderedRange) {
  return database.tables
    .selectFrom('file_changes')
    .where(database.isInRange(range))
    .orderBy('sequence', order === 'oldestFirst' ? 'asc' : 'desc');
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
