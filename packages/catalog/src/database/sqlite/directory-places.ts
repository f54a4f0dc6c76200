import { childPath, nameFromBytes, pathFromBytes } from '../../byte-path.js';
import type { Selectable } from '../../kysely.js';
import type { DirectoryPlace, DirectoryPlaces } from '../directory-paths.js';
import type { QueryDatabase } from '../query-database.js';
import type { CatalogTables } from '../tables.js';

/** Places that are remembered between two questions, at most. */
const REMEMBERED = 200_000;

/** Finds directories of one state from their numbers, many at a time; remembers them and those above. */
export class DirectoryPlaceFinder {
  readonly #known = new Map<bigint, DirectoryPlace>();

  constructor(private readonly database: Pick<QueryDatabase, 'tables' | 'isAmong'>) {}

  /** Where directories are. Reads each level of the tree above them once. */
  async of(ids: readonly bigint[]): Promise<DirectoryPlaces> {
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

type Row = Pick<Selectable<CatalogTables['directories']>, 'id' | 'parent_id' | 'name' | 'device'>;

/** The parent of roots, whose names are whole paths. */
const NO_PARENT = 0n;

/** Directories that one query asks for. */
const READ_TOGETHER = 500;
