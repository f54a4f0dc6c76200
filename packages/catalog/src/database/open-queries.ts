import { hostname } from 'node:os';
import { checkFilePlace, isPostgres, type OpenCatalogOptions } from './catalog-place.js';
import type { QueryDatabase } from './query-database.js';

/**
 * Opens an existing catalog for reports. The one function that knows the kinds of databases to report on. Throws
 * {@link CatalogError} as {@link openCatalog} does, also when nothing of the host was recorded.
 */
export async function openQueries(
  place: string,
  options: Omit<OpenCatalogOptions, 'create'> = {},
): Promise<QueryDatabase> {
  // Back ends are loaded when they are needed, as for scans.
  if (isPostgres(place)) {
    const { openPostgresQueries } = await import('./postgres/postgres-queries.js');
    return openPostgresQueries(place, options.host ?? hostname());
  }
  checkFilePlace(place, { create: false, ...options });
  const { openSqliteQueries } = await import('./sqlite/sqlite-queries.js');
  return openSqliteQueries(place);
}
