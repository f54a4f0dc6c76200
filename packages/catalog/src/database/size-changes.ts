import type { BytePath } from '../byte-path.js';
import { type Attributes, TYPE_SHIFT, typeNumber } from '../entry.js';
import { type SqlBool, sql } from '../kysely.js';
import type { OrderedRange } from './change-range.js';
import { fieldsOfText } from './change-texts.js';
import type { QueryDatabase } from './query-database.js';
import type { ChangeKind, ScanId } from './records.js';
import { FieldReader, type LineColumns } from './text-lines.js';

/** What a change of a file did to sizes, and to whom. */
export interface SizeChange {
  readonly scan: ScanId;
  readonly recordedAt: number;
  /** `recounted`: nothing changed about the file, but which name of its inode counts did. */
  readonly kind: ChangeKind | 'recounted';
  readonly path: BytePath;
  readonly previousPath: BytePath | null;
  readonly before: SizeSide | null;
  readonly after: SizeSide | null;
  /** Bytes that count under this name instead of another one of their inode since then; below 0 the other way round. */
  readonly moved: number;
}

/** The part of a file's attributes that sizes are summed up by. */
interface SizeSide extends Pick<Attributes, 'size' | 'uid'> {
  /** What of the size is in the sums of directories: of several names of an inode only one counts, and the others 0. */
  readonly counted: number;
}

/**
 * Reads what changes of files did to sizes, many at a time and in bounded memory: as little of each row as that takes.
 * Changes of directories are left out, which are in no sum.
 */
export async function* readSizeChanges(
  database: QueryDatabase,
  range: OrderedRange,
): AsyncGenerator<readonly SizeChange[]> {
  for await (const text of database.changeTexts({ range, isWanted: IS_OF_FILE, columns: COLUMNS })) {
    const changes = sizeChanges(fieldsOfText(text));
    yield range.order === 'oldestFirst' ? changes : changes.toReversed();
  }
}

const IS_OF_FILE = sql<SqlBool>`(coalesce(new_mode, old_mode) >> ${sql.lit(TYPE_SHIFT)}) <> ${sql.lit(typeNumber('directory'))}`;

const COLUMNS: LineColumns = {
  plain: [
    'scan_id',
    'recorded_at',
    'kind',
    'is_recount',
    'moved_bytes',
    'old_size',
    'old_uid',
    'old_is_counted',
    'new_size',
    'new_uid',
    'new_is_counted',
  ],
  bytes: ['path', 'previous_path'],
};

/** Fields of a change: a line of the plain columns, and the paths. */
const FIELDS = 1 + COLUMNS.bytes.length;

function sizeChanges(fields: readonly string[]): SizeChange[] {
  const reader = new FieldReader();
  const changes: SizeChange[] = [];
  for (let at = 0; at < fields.length; at += FIELDS) {
    reader.begin(fields[at] as string);
    const [scan, recordedAt, kind] = [
      reader.number() ?? 0,
      reader.number() ?? 0,
      reader.text() as ChangeKind,
    ];
    const isRecount = reader.number() === 1;
    const moved = reader.number() ?? 0;
    changes.push({
      scan,
      recordedAt,
      kind: isRecount ? 'recounted' : kind,
      path: fields[at + 1] as BytePath,
      previousPath: (fields[at + 2] || null) as BytePath | null,
      before: sizeSide(reader),
      after: sizeSide(reader),
      moved,
    });
  }
  return changes;
}

/** The side whose columns come next; null where there is none. */
function sizeSide(fields: FieldReader): SizeSide | null {
  const [size, uid, isCounted] = [fields.number(), fields.number(), fields.number() === 1];
  return size === null ? null : { size, uid: uid ?? 0, counted: isCounted ? size : 0 };
}
