import { type BytePath, isWithin } from '../byte-path.js';
import { type DirectoryPlaces, startingDirectories } from '../database/directory-paths.js';
import type { QueryDatabase } from '../database/query-database.js';
import type { RawBuilder } from '../kysely.js';

/** A subtree with a larger share of all directories than this is filtered out of everything. */
const LARGE_SHARE = 1 / 8;

/** Where a search looks: everywhere, or in one subtree. */
export class SearchPlace {
  private constructor(
    private readonly database: QueryDatabase,
    private readonly path: BytePath | undefined,
    /** The directories to look into; undefined for all, of which {@link pathsOf} leaves out what is elsewhere. */
    readonly within: RawBuilder<bigint> | undefined,
  ) {}

  /** The place at a path, without one everything; undefined when nothing is known of the path. */
  static async find(database: QueryDatabase, path: BytePath | undefined): Promise<SearchPlace | undefined> {
    if (path === undefined) return new SearchPlace(database, undefined, undefined);
    const [start, ...others] = await startingDirectories(database.tables, path);
    if (!start) return undefined;
    // Whole trees are a large share, mostly.
    if (others.length > 0) return new SearchPlace(database, path, undefined);
    const roots = database.tables.selectFrom('directories').where('parent_id', '=', 0n);
    const sum = (rows: readonly { readonly total_directories: bigint }[]) =>
      rows.reduce((total, row) => total + Number(row.total_directories) + 1, 0);
    const all = sum(await roots.select('total_directories').execute());
    const own = sum(
      await database.tables
        .selectFrom('directories')
        .select('total_directories')
        .where('id', '=', start.id)
        .execute(),
    );
    return new SearchPlace(database, path, own > all * LARGE_SHARE ? undefined : database.subtree(start.id));
  }

  /** Where those of some directories are that lie in this place; with others, where all do. */
  async pathsOf(ids: Iterable<bigint>): Promise<DirectoryPlaces> {
    const wanted = [...ids];
    const known = await this.database.directoryPlaces(wanted);
    const { path } = this;
    if (path === undefined) return known;
    return new Map(
      wanted.flatMap((id) => {
        const found = known.get(id);
        return found && isWithin(found.path, path) ? [[id, found]] : [];
      }),
    );
  }
}
