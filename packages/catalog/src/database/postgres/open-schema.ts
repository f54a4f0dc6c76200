import type pg from 'pg';
import { CatalogError } from '../errors.js';
import { type PostgresPlace, SCHEMA, SCHEMA_LOCK, translated } from './connection.js';
import { MIGRATIONS } from './migrations.js';

/** PostgreSQL 12 made partitioned tables fast enough, and has all else that is used. */
const OLDEST_SERVER = 120_000;

/**
 * Brings the schema up to date, or makes it, in one transaction that other programs wait for. Throws
 * {@link CatalogError}: `foreign_database`, `newer_schema`, `unavailable` (also where there is no catalog and none
 * is to be made).
 */
export async function openSchema(
  client: pg.ClientBase,
  place: PostgresPlace,
  { create }: { readonly create: boolean },
): Promise<void> {
  try {
    if ((await schemaVersion(client, place)) === MIGRATIONS.length) return;
    if (!create && !(await hasSchema(client))) {
      const hint = '"filetracker scan DIR" makes one';
      throw new CatalogError('unavailable', `there is no catalog at ${place.shown} yet: ${hint}`);
    }
    await migrate(client, place);
  } catch (error) {
    throw translated(place, error);
  }
}

async function migrate(client: pg.ClientBase, place: PostgresPlace): Promise<void> {
  const { rows } = await client.query<{ version: string }>(
    "SELECT current_setting('server_version_num') AS version",
  );
  if (Number(rows[0]?.version) < OLDEST_SERVER) {
    throw new CatalogError('unavailable', `${place.shown} is older than PostgreSQL 12`);
  }
  await client.query('BEGIN');
  await client.query('SELECT pg_advisory_xact_lock($1)', [SCHEMA_LOCK]);
  // Another program may have migrated while this one waited for the lock.
  const version = await schemaVersion(client, place);
  if (version === 0) {
    await client.query(`CREATE SCHEMA ${SCHEMA}`);
    await client.query('CREATE EXTENSION IF NOT EXISTS ltree');
    await client.query('CREATE TABLE schema_version (version integer NOT NULL)');
    await client.query('INSERT INTO schema_version VALUES (0)');
  }
  for (const step of MIGRATIONS.slice(version)) await client.query(step);
  await client.query('UPDATE schema_version SET version = $1', [MIGRATIONS.length]);
  await client.query('COMMIT');
}

/** Whether a database has a catalog, or something else of that name. */
export async function hasSchema(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [SCHEMA]);
  return rows.length > 0;
}

/** Steps that were done; 0 where there is no catalog. */
async function schemaVersion(client: pg.ClientBase, { shown }: PostgresPlace): Promise<number> {
  const { rows } = await client.query<{ ours: boolean }>(
    'SELECT to_regclass($1) IS NOT NULL AS ours FROM pg_namespace WHERE nspname = $2',
    [`${SCHEMA}.schema_version`, SCHEMA],
  );
  if (!rows[0]) return 0;
  if (!rows[0].ours) {
    const message = `the schema "${SCHEMA}" of ${shown} belongs to another program`;
    throw new CatalogError('foreign_database', message);
  }
  const versions = await client.query<{ version: bigint }>('SELECT version FROM schema_version');
  const version = Number(versions.rows[0]?.version ?? 0);
  if (version > MIGRATIONS.length) {
    const message = `the catalog was made by a newer version of this program (schema ${version})`;
    throw new CatalogError('newer_schema', message);
  }
  return version;
}
