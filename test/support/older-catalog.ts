import { hostname } from 'node:os';
import { join } from 'node:path';
import { MIGRATIONS as POSTGRES_STEPS } from '#catalog/database/postgres/migrations.js';
import { Sqlite } from '#catalog/database/sqlite/driver.js';
import { MIGRATIONS as SQLITE_STEPS } from '#catalog/database/sqlite/migrations.js';
import { newDatabase, query } from './postgres-database.js';
import { temporaryDirectory } from './temporary-directory.js';

/** What an SQLite catalog has in its header. */
const APPLICATION_ID = 0x4674436c;

/** A literal of bytes, in SQL of either kind of database. */
export const BYTES_LITERAL = {
  SQLite: (text: string) => `x'${Buffer.from(text).toString('hex')}'`,
  PostgreSQL: (text: string) => `'\\x${Buffer.from(text).toString('hex')}'::bytea`,
};

/** Makes an SQLite catalog as it was after some of its migrations, with rows of the test's own; returns its path. */
export function olderSqlite(
  chosen: (steps: readonly string[]) => readonly string[],
  ...rows: readonly string[]
): Promise<string> {
  const file = join(temporaryDirectory(), 'catalog.db');
  const database = new Sqlite(file);
  const steps = chosen(SQLITE_STEPS);
  for (const statement of [...steps, ...rows]) database.exec(statement);
  database.pragma(`user_version = ${steps.length}`);
  database.pragma(`application_id = ${APPLICATION_ID}`);
  database.close();
  return Promise.resolve(file);
}

/** The same in PostgreSQL, where this host has the number 1; returns the database's URL. */
export async function olderPostgres(
  chosen: (steps: readonly string[]) => readonly string[],
  ...rows: readonly string[]
): Promise<string> {
  const url = await newDatabase();
  const steps = chosen(POSTGRES_STEPS);
  await query(
    url,
    'CREATE SCHEMA filetracker',
    'SET search_path = filetracker, public',
    'CREATE EXTENSION ltree',
    'CREATE TABLE schema_version (version integer NOT NULL)',
    `INSERT INTO schema_version VALUES (${steps.length})`,
    ...steps,
    `INSERT INTO hosts (name) VALUES ('${hostname()}')`,
    ...rows,
  );
  return url;
}
