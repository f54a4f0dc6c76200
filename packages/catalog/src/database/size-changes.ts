import { type BytePath, pathFromBytes } from '../byte-path.js';
import type { Attributes } from '../entry.js';
import { changeParts, type OrderedRange } from './change-rows.js';
import type { QueryDatabase } from './query-database.js';
import type { ChangeKind, ScanId } from './records.js';
import { bytesOf, fieldsOf, type LineColumns } from './text-lines.js';

/** What a change did to sizes, and to whom. */
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

/**
 * Reads what changes did to sizes, many at a time and in bounded memory: as little of each row as that takes, in a
 * quarter of the time that whole rows take.
 */
export async function* readSizeChanges(
  database: QueryDatabase,
  range: OrderedRange,
): AsyncGenerator<readonly SizeChange[]> {
  const line = database.line('file_changes', COLUMNS).as('line');
  const parts = changeParts(database, range).map((changes) => changes.select(line));
  for await (const lines of database.streamLines(parts)) yield lines.map(sizeChange);
}

const COLUMNS: LineColumns = {
  plain: [
    'scan_id',
    'recorded_at',
    'kind',
    'old_mode',
    'old_size',
    'old_uid',
    'new_mode',
    'new_size',
    'new_uid',
  ],
  bytes: ['path', 'previous_path'],
};

function sizeChange(line: string): SizeChange {
  const [scan, recordedAt, kind, oldMode, oldSize, oldUid, newMode, newSize, newUid, path, previousPath] =
    fieldsOf(line);
  return {
    scan: Number(scan),
    recordedAt: Number(recordedAt),
    kind: kind as ChangeKind,
    path: pathOf(path) as BytePath,
    previousPath: pathOf(previousPath),
    before: sizeSide(oldMode, oldSize, oldUid),
    after: sizeSide(newMode, newSize, newUid),
  };
}

function pathOf(field: string | undefined): BytePath | null {
  const bytes = bytesOf(field);
  return bytes && pathFromBytes(bytes);
}

function sizeSide(
  mode: string | undefined,
  size: string | undefined,
  uid: string | undefined,
): SizeSide | null {
  return mode ? { mode: Number(mode), size: Number(size), uid: Number(uid) } : null;
}
