import { join } from 'node:path';
import { newCatalogDatabase } from './postgres-database.js';

/** A kind of database that holds catalogs. */
export interface DatabaseKind {
  readonly kind: 'SQLite' | 'PostgreSQL';
  /** Where a new catalog can be, for the test that runs; `directory` is one of the test's own. */
  readonly newPlace: (directory: string) => Promise<string>;
}

/** All kinds, for `describe.each`: what a test says of one must be true of the others. */
export const DATABASES: readonly DatabaseKind[] = [
  { kind: 'SQLite', newPlace: (directory) => Promise.resolve(join(directory, 'catalog.db')) },
  { kind: 'PostgreSQL', newPlace: () => newCatalogDatabase() },
];
