import { type BytePath, childPath, isWithin, nameFromBytes, pathFromBytes } from '../byte-path.js';
import type { Kysely, Selectable } from '../kysely.js';
import type { QueryDatabase } from './query-database.js';
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
interface DirectoryPlace {
  readonly path: BytePath;
  readonly device: number;
}

/** Places that are remembered between two questions, at most. */
const REMEMBERED = 200_000;

/** Finds directories from their numbers, many at a time; remembers them and those above. */
export class DirectoryPaths {
  readonly #known = new Map<bigint, DirectoryPlace>();

  constructor(private readonly database: QueryDatabase) {}

  /** Where directories of the catalog are, by number. Reads each level of the tree above them once. */
  async of(ids: Iterable<bigint>): Promise<ReadonlyMap<bigint, DirectoryPlace>> {
    if (this.#known.size > REMEMBERED) this.#known.clear();
    const levels: Row[][] = [];
    for (let wanted = new Set(ids); ; wanted = new Set(levels.at(-1)?.map(({ parent_id }) => parent_id))) {
      const missing = [...wanted].filter((id) => id !== NO_PARENT && !this.#known.has(id));
      if (missing.length === 0) break;
      levels.push(await this.#read(missing));
    }
    for (const row of levels.toReversed().flat()) {
      const { id, parent_id, name, device } = row;
      const above = this.#known.get(parent_id);
      const path = above ? childPath(above.path, nameFromBytes(name)) : pathFromBytes(name);
      this.#known.set(id, { path, device: Number(device) });
    }
    return this.#known;
  }

  async #read(ids: readonly bigint[]): Promise<Row[]> {
    const { database } = this;
    const rows: Row[] = [];
    for (let at = 0; at < ids.length; at += READ_TOGETHER) {
      const some = ids.slice(at, at + READ_TOGETHER);
      const query = database.tables.selectFrom('directories').select(['id', 'parent_id', 'name', 'device']);
      rows.push(...(await query.where(database.isAmong('id', some)).execute()));
    }
    return rows;
  }
}

/** The path of a directory among those that {@link DirectoryPaths.of} was asked for. */
export function pathAt(places: ReadonlyMap<bigint, DirectoryPlace>, id: bigint): BytePath {
  const place = places.get(id);
  if (!place) throw new RangeError(`no directory has the number ${id}`);
  return place.path;
}

type Row = Pick<Selectable<CatalogTables['directories']>, 'id' | 'parent_id' | 'name' | 'device'>;

/** The parent of roots, whose names are whole paths. */
const NO_PARENT = 0n;

/** Directories that one query asks for. */
const READ_TOGETHER = 500;
