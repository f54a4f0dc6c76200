import type { BytePath } from '../byte-path.js';
import { ATTRIBUTE_COLUMNS } from '../database/attribute-columns.js';
import { type FileGroupField, parseDetails } from '../database/file-groups.js';
import type { QueryDatabase } from '../database/query-database.js';
import type { Totals } from '../database/records.js';
import { attributesFromRow } from '../database/row-mapping.js';
import type { Attributes } from '../entry.js';
import { TOTALS_COLUMNS, totalsOf } from './directory-size.js';

/** A file or directory of the catalog. */
export interface FoundEntry extends Attributes {
  readonly path: BytePath;
  /** BLAKE3 of the content, where it is known. */
  readonly fingerprint: Buffer | null;
  /** Of a directory, what it holds with all below it. */
  readonly totals: Totals | null;
}

/** A directory by its number and path. */
interface PlacedDirectory {
  readonly id: bigint;
  readonly path: BytePath;
}

/** What is made of each entry: as little as the caller needs. */
export interface EntryForm<Item> {
  /** What is read of a file. */
  readonly field: FileGroupField;
  /** A file, from what the field says of it, and the device of its directory. */
  readonly file: (path: BytePath, text: string, device: number) => Item;
  /** Directories in the order given. */
  readonly directories: (
    database: QueryDatabase,
    places: readonly PlacedDirectory[],
  ) => Promise<readonly Item[]>;
}

/** All that is known. */
export const WHOLE: EntryForm<FoundEntry> = {
  field: 'details',
  file: (path, line, device) => ({ path, totals: null, ...parseDetails(line, device) }),
  directories: readDirectories,
};

/** The paths alone: a third of the time. */
export const PATHS: EntryForm<BytePath> = {
  field: 'names',
  file: (path) => path,
  directories: (_, places) => Promise.resolve(places.map(({ path }) => path)),
};

async function readDirectories(
  database: QueryDatabase,
  places: readonly PlacedDirectory[],
): Promise<FoundEntry[]> {
  if (places.length === 0) return [];
  const rows = await database.tables
    .selectFrom('directories')
    .select(['id', ...ATTRIBUTE_COLUMNS, ...TOTALS_COLUMNS])
    .where(
      database.isAmong(
        'id',
        places.map(({ id }) => id),
      ),
    )
    .execute();
  const byId = new Map(rows.map((row) => [row.id, row]));
  return places.map(({ id, path }) => {
    const row = byId.get(id);
    if (!row) throw new RangeError(`no directory has the number ${id}`);
    return { path, fingerprint: null, totals: totalsOf(row), ...attributesFromRow(row) };
  });
}
