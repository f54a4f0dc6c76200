import { type BytePath, isWithin, pathFromBytes } from '../byte-path.js';
import type { Kysely } from '../kysely.js';
import type { CatalogTables } from './tables.js';

/** A directory's number and path. */
export interface PlacedDirectory {
  readonly id: bigint;
  readonly path: BytePath;
}

/** The tops of the trees that the catalog holds, in byte order. */
async function rootDirectories(tables: Kysely<CatalogTables>): Promise<PlacedDirectory[]> {
  const rows = await tables
    .selectFrom('directories')
    .select(['id', 'name'])
    .where('parent_id', '=', 0n)
    .orderBy('name')
    .execute();
  return rows.map(({ id, name }) => ({ id, path: pathFromBytes(name) }));
}

/** The directory at a path; undefined when nothing is known of it. */
export async function locateDirectory(
  tables: Kysely<CatalogTables>,
  path: BytePath,
): Promise<PlacedDirectory | undefined> {
  const roots = await rootDirectories(tables);
  // Trees that are not joined yet may nest: the innermost one holds the path.
  roots.sort((a, b) => b.path.length - a.path.length);
  const root = roots.find((candidate) => isWithin(path, candidate.path));
  if (!root) return undefined;
  let { id } = root;
  for (const name of path.slice(root.path.length).split('/')) {
    if (name === '') continue;
    const row = await tables
      .selectFrom('directories')
      .select('id')
      .where('parent_id', '=', id)
      .where('name', '=', Buffer.from(name, 'latin1'))
      .executeTakeFirst();
    if (!row) return undefined;
    id = row.id;
  }
  return { id, path };
}

/**
 * Where to begin: the directory at a path, without a path every root. A path above roots means all of them; none when
 * nothing is known of the path.
 */
export async function startingDirectories(
  tables: Kysely<CatalogTables>,
  path: BytePath | undefined,
): Promise<PlacedDirectory[]> {
  if (path === undefined) return rootDirectories(tables);
  const found = await locateDirectory(tables, path);
  return found ? [found] : rootsBelow(tables, path);
}

/** The tops of the trees that lie in a directory, in byte order. */
export async function rootsBelow(
  tables: Kysely<CatalogTables>,
  directory: BytePath,
): Promise<PlacedDirectory[]> {
  const roots = await rootDirectories(tables);
  return roots.filter(({ path }) => isWithin(path, directory));
}

/** Where a directory is. */
export interface DirectoryPlace {
  readonly path: BytePath;
  readonly device: number;
}

/** Where directories are, by number. */
export type DirectoryPlaces = ReadonlyMap<bigint, DirectoryPlace>;

/** The path of a directory whose place is known. */
export function pathAt(places: DirectoryPlaces, id: bigint): BytePath {
  const place = places.get(id);
  if (!place) throw new RangeError(`no directory has the number ${id}`);
  return place.path;
}
