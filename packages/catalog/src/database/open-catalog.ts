import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Catalog } from './catalog.js';
import { CatalogError } from './errors.js';
import { openSqliteCatalog } from './sqlite/sqlite-catalog.js';

/** How to open a catalog. */
export interface OpenCatalogOptions {
  /** Make a new catalog where there is none. Otherwise that is an error. */
  readonly create: boolean;
  /**
   * In a database that several machines share: whose trees are meant. By default this machine's, by its name; a file
   * holds those of one machine, whatever its name becomes.
   */
  readonly host?: string;
}

/**
 * Opens the catalog at a place: the path of a SQLite file, or the URL of a PostgreSQL database (`postgres://`). The
 * one function that knows the kinds of databases. Throws {@link CatalogError} when it cannot be opened, is not there,
 * or is not a catalog of this program.
 */
export async function openCatalog(place: string, options: OpenCatalogOptions): Promise<Catalog> {
  if (isPostgres(place)) {
    // Loaded when it is needed: a scan into a file need not wait for it.
    const { openPostgresCatalog } = await import('./postgres/postgres-catalog.js');
    return openPostgresCatalog(place, { host: hostname(), ...options });
  }
  checkPlace(place, options);
  return openSqliteCatalog(place);
}

function isPostgres(place: string): boolean {
  return /^postgres(ql)?:\/\//i.test(place);
}

/** Makes sure that a catalog file can be at a place. Throws {@link CatalogError} `unavailable`. */
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
