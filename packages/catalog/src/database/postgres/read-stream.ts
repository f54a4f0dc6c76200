import type pg from 'pg';

import type { ReaderPool } from './reader-pool.js';

/** Rows that travel at a time. */
const ROWS = 2_000;

/** One query of a stream. */
export interface StreamQuery {
  readonly text: string;
  readonly values: readonly unknown[];
}

/**
 * Rows of a query as they are needed, through a cursor in the transaction under way: any number of them in bounded
 * memory. The next ones are on their way while the caller looks at those it has.
 *
 * @param cursor a name that no other open cursor of the transaction has
 */
export async function* readCursor<Row extends pg.QueryResultRow>(
  client: pg.ClientBase,
  cursor: string,
  { text, values }: StreamQuery,
): AsyncGenerator<readonly Row[]> {
  await client.query(`DECLARE ${cursor} NO SCROLL CURSOR FOR ${text}`, [...values]);
  const fetch = () => {
    const fetched = client.query<Row>(`FETCH ${ROWS} FROM ${cursor}`);
    // Who ends early does not ask for what is on its way, and so not how it went.
    fetched.catch(() => {});
    return fetched;
  };
  let coming = fetch();
  let isLost = false;
  try {
    for (;;) {
      const { rows } = await coming;
      if (rows.length === ROWS) coming = fetch();
      if (rows.length > 0) yield rows;
      if (rows.length < ROWS) return;
    }
  } catch (error) {
    isLost = true;
    throw error;
  } finally {
    if (!isLost) await client.query(`CLOSE ${cursor}`);
  }
}

/** The same in a transaction of its own, and so of one state, on a connection of the pool until the iteration ends. */
export async function* readStream<Row extends pg.QueryResultRow>(
  pool: ReaderPool,
  query: StreamQuery,
): AsyncGenerator<Row> {
  const client = await pool.connect();
  let failure: Error | undefined;
  try {
    // Of a cursor the server expects that a tenth is read, and would look at all changes in their order for those of one directory.
    await client.query('BEGIN READ ONLY; SET LOCAL cursor_tuple_fraction = 1');
    for await (const rows of readCursor<Row>(client, 'stream', query)) yield* rows;
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
    throw error;
  } finally {
    if (!failure) {
      await client.query('COMMIT').catch((error: Error) => {
        failure = error;
      });
    }
    // A connection that failed is closed, others are used again.
    client.release(failure);
  }
}
