import type { Selectable } from 'kysely';
import { type BytePath, pathFromBytes } from '../byte-path.js';
import type { Attributes } from '../entry.js';
import type { ChangeRange } from './change-range.js';
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

/** What a change did to sizes, and to whom: as little of a row as that takes, a third of the time. */
export interface SizeChange {
  readonly scan: ScanId;
  readonly recordedAt: number;
  readonly kind: ChangeKind;
  readonly path: BytePath;
  readonly previousPath: BytePath | null;
  readonly before: SizeSide | null;
  readonly after: SizeSide | null;
}

type SizeSide = Pick<Attributes, 'mode' | 'size' | 'uid'>;

/** Which changes to read, and in which order. */
interface OrderedRange extends ChangeRange {
  readonly order: 'oldestFirst' | 'newestFirst';
}

/** Reads changes as they are needed: memory does not grow with their number. */
export async function* readChangeRows(
  database: QueryDatabase,
  range: OrderedRange,
): AsyncGenerator<ChangeRow> {
  for await (const rows of database.stream(changesIn(database, range).selectAll())) {
    for (const row of rows) yield changeRow(row);
  }
}

/** As {@link readChangeRows}, what concerns sizes alone. */
export async function* readSizeChanges(
  database: QueryDatabase,
  range: OrderedRange,
): AsyncGenerator<SizeChange> {
  for await (const rows of database.stream(changesIn(database, range).select(SIZE_COLUMNS))) {
    for (const row of rows) {
      yield {
        scan: Number(row.scan_id),
        recordedAt: Number(row.recorded_at),
        kind: row.kind,
        path: pathFromBytes(row.path),
        previousPath: row.previous_path && pathFromBytes(row.previous_path),
        before: sizeSide(row.old_mode, row.old_size, row.old_uid),
        after: sizeSide(row.new_mode, row.new_size, row.new_uid),
      };
    }
  }
}

const SIZE_COLUMNS = [
  'scan_id',
  'recorded_at',
  'kind',
  'path',
  'previous_path',
  'old_mode',
  'old_size',
  'old_uid',
  'new_mode',
  'new_size',
  'new_uid',
] as const;

function sizeSide(mode: bigint | null, size: bigint | null, uid: bigint | null): SizeSide | null {
  return mode === null ? null : { mode: Number(mode), size: Number(size), uid: Number(uid) };
}

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
