import { type BytePath, childPath, nameFromBytes } from '../byte-path.js';
import { startingDirectories } from '../database/directory-paths.js';
import type { QueryDatabase } from '../database/query-database.js';
import { type DirectorySize, TOTALS_COLUMNS, totalsOf } from './directory-size.js';

/** What {@link diskUsage} shows. */
export interface DiskUsageOptions {
  /** The directory to begin with; without it every root. */
  readonly path?: BytePath;
  /** Levels of directories below it that are shown, too. */
  readonly depth: number;
}

/**
 * What directories hold with all below them, as the last scan saw them: those below a directory before itself and in
 * byte order, as du(1) does. Reads one row a directory that it shows. Yields nothing where nothing is known of the path.
 */
export async function* diskUsage(
  { tables }: QueryDatabase,
  { path, depth }: DiskUsageOptions,
): AsyncGenerator<DirectorySize> {
  const visit = async function* (place: {
    readonly id: bigint;
    readonly path: BytePath;
    readonly depth: number;
  }): AsyncGenerator<DirectorySize> {
    if (place.depth < depth) {
      const children = await tables
        .selectFrom('directories')
        .select(['id', 'name'])
        .where('parent_id', '=', place.id)
        .orderBy('name')
        .execute();
      for (const { id, name } of children) {
        yield* visit({ id, path: childPath(place.path, nameFromBytes(name)), depth: place.depth + 1 });
      }
    }
    const row = await tables
      .selectFrom('directories')
      .select(TOTALS_COLUMNS)
      .where('id', '=', place.id)
      .executeTakeFirstOrThrow();
    yield { path: place.path, depth: place.depth, ...totalsOf(row) };
  };
  for (const start of await startingDirectories(tables, path)) yield* visit({ ...start, depth: 0 });
}
