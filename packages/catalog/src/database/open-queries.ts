import { checkPlace } from './open-catalog.js';
import type { QueryDatabase } from './query-database.js';
import { openSqliteQueries } from './sqlite/sqlite-queries.js';

/** Opens an existing catalog for reports. Throws {@link CatalogError} as {@link openCatalog} does. */
// oxlint-disable-next-line typescript/require-await -- databases that are reached over the network open asynchronously
export async function openQueries(place: string): Promise<QueryDatabase> {
  checkPlace(place, { create: false });
  return openSqliteQueries(place);
}
