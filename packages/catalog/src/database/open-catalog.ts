import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Catalog } from './catalog.js';
import { CatalogError } from './errors.js';
import { openPostgresCatalog } from './postgres/postgres-catalog.js';
import { openPostgresQueries } from './postgres/postgres-queries.js';
import type { QueryDatabase } from './query-database.js';
import { openSqliteCatalog } from './sqlite/sqlite-catalog.js';
import { openSqliteQueries } from './sqlite/sqlite-queries.js';

/** How to open a catalog. */
export interface OpenCatalogOptions {
  /** Make a new catalog where there is none. Otherwise that is an error. */
  readonly create: boolean;
  /**
   * In a database that several machines share: whose trees are meant. By default this machine's, by its name. A file
   * holds those of one machine, whatever its name becomes: several cannot share one, for SQLite's locks and its
   * memory map do not work over a network. Naming a host of a file is an error.
   */
  readonly host?: string;
}

/**
 * Opens the catalog at a place: the path of a SQLite file, or the URL of a PostgreSQL database (`postgres://`). This file
 * is the only one that knows the kinds of databases. Throws {@link CatalogError} when it cannot be opened, is not there,
 * or is not a catalog of this program.
 */
export async function openCatalog(place: string, options: OpenCatalogOptions): Promise<Catalog> {
  if (isPostgres(place)) return openPostgresCatalog(place, { host: hostname(), ...options });
  checkPlace(place, options);
  return openSqliteCatalog(place);
}

/**
 * Opens an existing catalog for reports, see {@link openCatalog}. Throws {@link CatalogError} also when nothing of the
 * host was recorded.
 */
export async function openQueries(
  place: string,
  options: Omit<OpenCatalogOptions, 'create'> = {},
): Promise<QueryDatabase> {
  if (isPostgres(place)) return openPostgresQueries(place, options.host ?? hostname());
  checkPlace(place, { create: false, ...options });
  return openSqliteQueries(place);
}

function isPostgres(place: string): boolean {
  return /^postgres(ql)?:\/\//i.test(place);
}

/** Makes sure that a catalog file can be at a place. Throws {@link CatalogError} `unavailable`. */
function checkPlace(place: string, { create, host }: OpenCatalogOptions): void {
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(place)) {
    throw new CatalogError('unavailable', `no such kind of database: ${place.replace(/:\/\/.*/s, '://')}`);
  }
  if (host !== undefined) {
    throw new CatalogError(
      'unavailable',
      `the catalog ${place} is a file, which holds one machine: leave out --host`,
    );
  }
  if (!create && !existsSync(place)) {
    throw new CatalogError(
      'unavailable',
      `there is no catalog at ${place} yet: "filetracker scan DIR" makes one`,
    );
  }
}
