import { existsSync } from 'node:fs';
import type { Catalog } from './catalog.js';
import { CatalogError } from './errors.js';
import { openSqliteCatalog } from './sqlite/sqlite-catalog.js';

/** How to open a catalog. */
export interface OpenCatalogOptions {
  /** Make a new catalog where there is none. Otherwise that is an error. */
  readonly create: boolean;
}

/**
 * Opens the catalog at a place: the path of a SQLite file. The one function that knows the kinds of databases.
 * Throws {@link CatalogError} when it cannot be opened, is not there, or is not a catalog of this program.
 */
// oxlint-disable-next-line typescript/require-await -- databases that are reached over the network open asynchronously
export async function openCatalog(place: string, options: OpenCatalogOptions): Promise<Catalog> {
  checkPlace(place, options);
  return openSqliteCatalog(place);
}

/** Makes sure that a catalog can be at a place. Throws {@link CatalogError} `unavailable`. */
export function checkPlace(place: string, { create }: OpenCatalogOptions): void {
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(place)) {
    throw new CatalogError('unavailable', `no such kind of database: ${place.replace(/:\/\/.*/s, '://')}`);
  }
  if (!create && !existsSync(place)) {
    throw new CatalogError(
      'unavailable',
      `there is no catalog at ${place} yet: "filetracker scan DIR" makes one`,
    );
  }
}
