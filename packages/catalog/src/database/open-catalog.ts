import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Catalog } from './catalog.js';
import { checkFilePlace, isPostgres, type OpenCatalogOptions } from './catalog-place.js';

/**
 * Opens the catalog at a place: the path of a SQLite file, or the URL of a PostgreSQL database (`postgres://`). The
 * one function that knows the kinds of databases to scan into. Throws {@link CatalogError} when it cannot be opened, is
 * not there, or is not a catalog of this program.
 */
export async function openCatalog(place: string, options: OpenCatalogOptions): Promise<Catalog> {
  // Back ends are loaded when they are needed: no scan waits for the other one's.
  if (isPostgres(place)) {
    const { openPostgresCatalog } = await import('./postgres/postgres-catalog.js');
    return openPostgresCatalog(place, { host: hostname(), ...options });
  }
  checkFilePlace(place, options);
  const { openSqliteCatalog } = await import('./sqlite/sqlite-catalog.js');
  return openSqliteCatalog(place);
}

/**
 * Whether a catalog is at a place where {@link openCatalog} would else make one, or something that is none. Throws
 * {@link CatalogError} where that cannot be told.
 */
export async function hasCatalog(
  place: string,
  options: Omit<OpenCatalogOptions, 'create'>,
): Promise<boolean> {
  if (isPostgres(place)) {
    const { hasPostgresCatalog } = await import('./postgres/postgres-catalog.js');
    return hasPostgresCatalog(place);
  }
  checkFilePlace(place, { create: true, ...options });
  return existsSync(place);
}
