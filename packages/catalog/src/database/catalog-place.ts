import { existsSync } from 'node:fs';
import { CatalogError } from './errors.js';

/** How to open a catalog. */
export interface OpenCatalogOptions {
  /** Make a new catalog where there is none. Otherwise that is an error. */
  readonly create: boolean;
  /**
   * In a database that several machines share: whose trees are meant. By default this machine's, by its name. A file
   * holds those of one machine, whatever its name becomes: several cannot share one, for SQLite's locks and its
   * shared memory do not work over a network. Naming a host of a file is an error.
   */
  readonly host?: string;
}

/** Whether a place is the URL of a PostgreSQL database. */
export function isPostgres(place: string): boolean {
  return /^postgres(ql)?:\/\//i.test(place);
}

/** Makes sure that a catalog file can be at a place. Throws {@link CatalogError} `unavailable`. */
export function checkFilePlace(place: string, { create, host }: OpenCatalogOptions): void {
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(place)) {
    throw new CatalogError('unavailable', `no such kind of database: ${place.replace(/:\/\/.*/s, '://')}`);
  }
  if (host !== undefined) {
    const message = `the catalog ${place} is a file, which holds one machine: leave the host out`;
    throw new CatalogError('unavailable', message);
  }
  if (!create && !existsSync(place)) {
    throw new CatalogError(
      'unavailable',
      `there is no catalog at ${place} yet: "filetracker scan DIR" makes one`,
    );
  }
}
