import type { Kysely } from 'kysely';
import { type BytePath, childPath, isWithin, nameFromBytes, pathFromBytes } from '../byte-path.js';
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

/** Where to begin: the directory at a path, without a path every root; none when nothing is known of the path. */
export async function startingDirectories(
  tables: Kysely<CatalogTables>,
  path: BytePath | undefined,
): Promise<PlacedDirectory[]> {
  if (path === undefined) return rootDirectories(tables);
  const found = await locateDirectory(tables, path);
  return found ? [found] : [];
}

/** Finds the paths of directories from their numbers; remembers those on the way. */
export class DirectoryPaths {
  readonly #known = new Map<bigint, BytePath>();

  constructor(private readonly tables: Kysely<CatalogTables>) {}

  /** The path of a directory of the catalog. */
  async of(id: bigint): Promise<BytePath> {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const row = await this.tables
      .selectFrom('directories')
      .select(['parent_id', 'name'])
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    const path =
      row.parent_id === 0n
        ? pathFromBytes(row.name)
        : childPath(await this.of(row.parent_id), nameFromBytes(row.name));
    this.#known.set(id, path);
    return path;
  }
}
