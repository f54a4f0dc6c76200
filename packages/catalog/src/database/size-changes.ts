import type { SplitPath } from '../byte-path.js';
import { TYPE_SHIFT, typeNumber } from '../entry.js';
import { type SqlBool, sql } from '../kysely.js';
import type { OrderedRange } from './change-range.js';
import { ChangeTextReader } from './change-texts.js';
import type { QueryDatabase } from './query-database.js';
import type { ChangeKind, ScanId } from './records.js';

/** What a change of a file did to sizes. */
export interface SizeChange {
  readonly scan: ScanId;
  readonly recordedAt: number;
  /** `recounted`: nothing changed about the file, but which name of its inode counts did. */
  readonly kind: ChangeKind | 'recounted';
  readonly path: SplitPath;
  readonly previousPath: SplitPath | null;
  /**
   * Bytes that were in the sums of directories before, and that are after; null where there was or is no file. Of
   * several names of an inode only one counts, and the others 0.
   */
  readonly was: number | null;
  readonly is: number | null;
}

/** The same with what else is reported. */
export interface DetailedSizeChange extends SizeChange {
  /** Bytes that count under this name instead of another one of their inode since then; below 0 the other way round. */
  readonly moved: number;
  /** The file's length, in the end. */
  readonly size: number;
  /** Whose it was and is; null where there was or is no file. */
  readonly uidBefore: number | null;
  readonly uid: number | null;
}

/**
 * Reads what changes of files did to sizes, many at a time and in bounded memory: as little of each row as that takes.
 * Changes of directories are left out, which are in no sum.
 */
export function readSizeChanges(
  database: QueryDatabase,
  range: OrderedRange,
): AsyncIterable<readonly SizeChange[]> {
  return read(database, range, { numbers: SIZES, parse: sizeChange });
}

/** As {@link readSizeChanges}, with all that is known. */
export function readDetailedSizeChanges(
  database: QueryDatabase,
  range: OrderedRange,
): AsyncIterable<readonly DetailedSizeChange[]> {
  return read(database, range, { numbers: [...SIZES, ...DETAILS], parse: detailedSizeChange });
}

const IS_OF_FILE = sql<SqlBool>`(coalesce(new_mode, old_mode) >> ${sql.lit(TYPE_SHIFT)}) <> ${sql.lit(typeNumber('directory'))}`;

/** How changes are read. */
interface Form<Change> {
  readonly numbers: readonly string[];
  readonly parse: (reader: ChangeTextReader) => Change;
}

async function* read<Change>(
  database: QueryDatabase,
  range: OrderedRange,
  { numbers, parse }: Form<Change>,
): AsyncGenerator<readonly Change[]> {
  const paths = ['path', 'previous_path'] as const;
  for await (const text of database.changeTexts({ range, isWanted: IS_OF_FILE, paths, numbers })) {
    const reader = new ChangeTextReader(text);
    const changes: Change[] = [];
    while (!reader.isAtEnd) changes.push(parse(reader));
    yield range.order === 'oldestFirst' ? changes : changes.toReversed();
  }
}

const SIZES = [
  'scan_id',
  'recorded_at',
  'is_recount',
  'old_size * old_is_counted',
  'new_size * new_is_counted',
];

function sizeChange(reader: ChangeTextReader): SizeChange {
  const path = reader.path();
  const previousPath = reader.path();
  if (!path) throw new RangeError('a change has no path');
  const scan = reader.number() ?? 0;
  const recordedAt = reader.number() ?? 0;
  const isRecount = reader.number() === 1;
  const was = reader.number();
  const is = reader.number();
  const kind = isRecount ? 'recounted' : kindOf(previousPath, was, is);
  return { scan, recordedAt, kind, path, previousPath, was, is };
}

function kindOf(previousPath: SplitPath | null, was: number | null, is: number | null): ChangeKind {
  if (previousPath) return 'renamed';
  if (was === null) return 'new';
  return is === null ? 'removed' : 'modified';
}

const DETAILS = ['moved_bytes', 'coalesce(new_size, old_size)', 'old_uid', 'new_uid'];

function detailedSizeChange(reader: ChangeTextReader): DetailedSizeChange {
  const { scan, recordedAt, kind, path, previousPath, was, is } = sizeChange(reader);
  const moved = reader.number() ?? 0;
  const size = reader.number() ?? 0;
  const uidBefore = reader.number();
  const uid = reader.number();
  // One by one: spreading the other takes longer than all the rest.
  return { scan, recordedAt, kind, path, previousPath, was, is, moved, size, uidBefore, uid };
}
