import { hostname } from 'node:os';
import { checkFilePlace, isPostgres, type OpenCatalogOptions } from './catalog-place.js';
import { openPostgresQueries } from './postgres/postgres-queries.js';
import type { QueryDatabase } from './query-database.js';
import { openSqliteQueries } from './sqlite/sqlite-queries.js';

/**
 * Opens an existing catalog for reports. The one function that knows the kinds of databases to report on. Throws
 * {@link CatalogError} as {@link openCatalog} does, also when nothing of the host was recorded.
 */
export async function openQueries(
  place: string,
  options: Omit<OpenCatalogOptions, 'create'> = {},
): Promise<QueryDatabase> {
  if (isPostgres(place)) return openPostgresQueries(place, options.host ?? hostname());
  checkFilePlace(place, { create: false, ...options });
  return openSqliteQueries(place);
}
