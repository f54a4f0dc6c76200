import type { BytePath } from '../byte-path.js';
import { type PlacedDirectory, pathAt, startingDirectories } from '../database/directory-paths.js';
import type { QueryDatabase } from '../database/query-database.js';
import type { Totals } from '../database/records.js';
import type { RawBuilder, SqlBool } from '../kysely.js';
import { TOTALS_COLUMNS, type TotalsRow, totalsOf } from './directory-size.js';
import { FirstItems } from './first-items.js';
import { inSubtrees } from './in-subtrees.js';
import type { TopOptions } from './top-options.js';

/** A directory among the first. */
export interface TopDirectory extends Totals {
  readonly path: BytePath;
}

const ORDER_COLUMNS = {
  size: 'total_bytes',
  allocated: 'total_allocated',
  count: 'total_files',
} as const;

/** Where more directories are wanted, one pass over all takes less time than to descend to those. */
const FEW = 1_000;

/** The directories that hold most with all below them, the greatest first. */
export async function topDirectories(
  database: QueryDatabase,
  { path, limit, by }: TopOptions & { readonly by: keyof typeof ORDER_COLUMNS },
): Promise<TopDirectory[]> {
  const column = ORDER_COLUMNS[by];
  const tops = await startingDirectories(database.tables, path);
  if (tops.length === 0) return [];
  const greatest = database.tables
    .selectFrom('directories')
    .select(['id', ...TOTALS_COLUMNS])
    .where('id', '<>', tops.find((top) => top.path === path)?.id ?? 0n)
    .orderBy(column, 'desc')
    .orderBy('id')
    .limit(limit);
  const read = (where: RawBuilder<SqlBool>) => greatest.where(where).execute();
  const readAll = () => (path === undefined ? greatest.execute() : read(inSubtrees(database, 'id', tops)));
  const rows =
    limit > FEW
      ? await readAll()
      : await descend(tops, {
          read: (isThis, ids) => read(database.isAmong(isThis, ids)),
          first: new FirstItems(limit, (a, b) => Number(b[column] - a[column]) || Number(a.id - b.id)),
        });
  const paths = await database.directoryPlaces(rows.map(({ id }) => id));
  return rows.map((row) => ({ path: pathAt(paths, row.id), ...totalsOf(row) }));
}

interface Row extends TotalsRow {
  readonly id: bigint;
}

/**
 * Enters the directories that come first, and those in them that do: none holds more than the one it lies in.
 */
async function descend(
  tops: readonly PlacedDirectory[],
  {
    read,
    first,
  }: {
    readonly read: (isThis: 'id' | 'parent_id', ids: readonly bigint[]) => Promise<Row[]>;
    readonly first: FirstItems<Row>;
  },
): Promise<Row[]> {
  const starts = tops.map(({ id }) => id);
  for (const row of await read('id', starts)) first.add(row);
  for (let entered = starts; entered.length > 0; ) {
    const below = await read('parent_id', entered);
    for (const row of below) first.add(row);
    const kept = new Set(first.sorted());
    entered = below.filter((row) => kept.has(row)).map(({ id }) => id);
  }
  return first.sorted();
}
