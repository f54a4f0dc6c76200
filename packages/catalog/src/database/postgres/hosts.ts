import pg from 'pg';
import { CatalogError } from '../errors.js';
import type { PostgresPlace } from './connection.js';
import type { Reader } from './reader-pool.js';

/** How long a scan waits for another one of the same host to end before it is refused. */
const BUSY_TIMEOUT_MS = 2_000;

/** First half of the key of the advisory lock that a scan holds; the second is the host's number. */
const SCAN_LOCK = 0x4674_7363;

/** PostgreSQL's code for a lock that was not given in time. */
export const LOCK_NOT_AVAILABLE = '55P03';

/** A machine whose trees are in a database. */
export interface Host {
  readonly id: number;
  readonly name: string;
}

/** The number of a host; undefined as long as nothing of it was recorded. */
export async function findHost(client: Reader, name: string): Promise<number | undefined> {
  const { rows } = await client.query<{ id: bigint }>('SELECT id FROM hosts WHERE name = $1', [name]);
  return rows[0] && Number(rows[0].id);
}

/** The number of a host, which is entered where it is new. */
export async function addHost(client: pg.ClientBase, name: string): Promise<number> {
  const found = await findHost(client, name);
  if (found !== undefined) return found;
  const { rows } = await client.query<{ id: bigint }>(
    'INSERT INTO hosts (name) VALUES ($1) ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id',
    [name],
  );
  return Number(rows[0]?.id);
}

/** The names of all hosts that a database knows. */
export async function hostNames(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>('SELECT name FROM hosts ORDER BY name');
  return rows.map(({ name }) => name);
}

/** As {@link lockHost}, without waiting: false when another one has the lock. */
export async function tryLockHost(client: pg.ClientBase, host: number): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>(
    'SELECT pg_try_advisory_xact_lock($1, $2) AS locked',
    [SCAN_LOCK, host],
  );
  return rows[0]?.locked === true;
}

/**
 * Takes the lock of those who write what is known of a host, for the transaction under way. Throws
 * {@link CatalogError} `busy` when another one has it and keeps it.
 */
export async function lockHost(
  client: pg.ClientBase,
  { id, name }: Host,
  { shown }: PostgresPlace,
): Promise<void> {
  try {
    await client.query(`SET LOCAL lock_timeout = ${BUSY_TIMEOUT_MS}`);
    await client.query('SELECT pg_advisory_xact_lock($1, $2)', [SCAN_LOCK, id]);
    await client.query('SET LOCAL lock_timeout = 0');
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== LOCK_NOT_AVAILABLE) throw error;
    const message = `another scan or watch of ${name} is writing to the catalog ${shown}; try again when it has finished`;
    throw new CatalogError('busy', message, { cause: error });
  }
}
