import { type BytePath, pathFromBytes } from '../byte-path.js';
import { type Attributes, TYPE_SHIFT, typeNumber } from '../entry.js';
import { type SqlBool, sql } from '../kysely.js';
import { changesIn, type OrderedRange } from './change-rows.js';
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
  const lines = changesIn(database, range)
    .select(database.line('file_changes', COLUMNS).as('line'))
    .where(IS_OF_FILE);
  for await (const rows of database.stream(lines)) yield sizeChanges(rows.map(({ line }) => line));
}

const IS_OF_FILE = sql<SqlBool>`(coalesce(new_mode, old_mode) >> ${sql.lit(TYPE_SHIFT)}) <> ${sql.lit(typeNumber('directory'))}`;

const COLUMNS: LineColumns = {
  plain: [
    'scan_id',
    'recorded_at',
    'kind',
    'is_recount',
    'old_size',
    'old_uid',
    'old_is_counted',
    'new_size',
    'new_uid',
    'new_is_counted',
  ],
  bytes: ['path', 'previous_path'],
};

function sizeChanges(lines: readonly string[]): SizeChange[] {
  const fields = new FieldReader();
  const paths = new PathBatch();
  const read = lines.map((line) => {
    fields.begin(line);
    return {
      scan: fields.number() ?? 0,
      recordedAt: fields.number() ?? 0,
      kind: fields.text() as ChangeKind,
      isRecount: fields.number() === 1,
      before: sizeSide(fields),
      after: sizeSide(fields),
      path: paths.add(fields.text()) ?? 0,
      previousPath: paths.add(fields.text()),
    };
  });
  const texts = paths.read();
  return read.map(({ scan, recordedAt, kind, isRecount, before, after, path, previousPath }) => ({
    scan,
    recordedAt,
    kind: isRecount ? 'recounted' : kind,
    path: texts[path] as BytePath,
    previousPath: previousPath === null ? null : (texts[previousPath] as BytePath),
    before,
    after,
  }));
}

/** The side whose columns come next; null where there is none. */
function sizeSide(fields: FieldReader): SizeSide | null {
  const [size, uid, isCounted] = [fields.number(), fields.number(), fields.number() === 1];
  return size === null ? null : { size, uid: uid ?? 0, counted: isCounted ? size : 0 };
}

/** Paths in hexadecimal that are read together: in a quarter of the time that reading them one by one takes. */
class PathBatch {
  readonly #fields: string[] = [];

  /** Adds a path; tells which one it is, or null for an empty field. */
  add(field: string): number | null {
    return field === '' ? null : this.#fields.push(field) - 1;
  }

  /** All that were added. */
  read(): string[] {
    // 00 is the one byte that no path has.
    return pathFromBytes(Buffer.from(this.#fields.join('00'), 'hex')).split('\0');
  }
}
