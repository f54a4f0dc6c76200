import pg from 'pg';
import { connectionOptions, type PostgresPlace } from './connection.js';

/** Connections for reading that are kept open; a scan has one more of its own. */
const MAX_READERS = 8;

/** What can run a query that reads. */
export interface Reader {
  query<Row extends pg.QueryResultRow>(
    query: string | pg.QueryConfig,
    values?: unknown[],
  ): Promise<pg.QueryResult<Row>>;
}

/**
 * Connections that are kept for reading. Servers and firewalls end idle ones, which this side may learn only when it
 * next uses them: a connection that lay idle is asked whether it still lives before it is handed out, at the cost of one
 * round trip. So nothing that was sent ever has to be sent again.
 */
export class ReaderPool implements Reader {
  readonly #pool: pg.Pool;
  /** Connections that were just made. */
  readonly #fresh = new WeakSet<pg.PoolClient>();

  constructor(place: PostgresPlace) {
    this.#pool = new pg.Pool({ ...connectionOptions(place), max: MAX_READERS, allowExitOnIdle: true });
    this.#pool.on('connect', (client) => {
      this.#fresh.add(client);
      // One that is lost between two queries makes the next one fail, which is reported.
      client.on('error', () => {});
    });
    // An idle connection that is lost is replaced by the next reader.
    this.#pool.on('error', () => {});
  }

  /** A connection that lives, until it is released. */
  async connect(): Promise<pg.PoolClient> {
    for (;;) {
      const client = await this.#pool.connect();
      // A new connection fails only where the server cannot be reached: that ends the loop above.
      if (this.#fresh.delete(client) || (await isAlive(client))) return client;
      client.release(true);
    }
  }

  /** Runs one query. */
  async query<Row extends pg.QueryResultRow>(
    query: string | pg.QueryConfig,
    values?: unknown[],
  ): Promise<pg.QueryResult<Row>> {
    const client = await this.connect();
    try {
      const result = await client.query<Row>(query, values);
      client.release();
      return result;
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  /** Closes all connections; those in use when they are released. */
  end(): Promise<void> {
    return this.#pool.end();
  }
}

async function isAlive(client: pg.PoolClient): Promise<boolean> {
  try {
    await client.query('');
    return true;
  } catch {
    // Why does not matter: another connection takes its place, and fails with the reason if that one lasts.
    return false;
  }
}
