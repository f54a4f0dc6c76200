import type pg from 'pg';

/** Rows that travel at a time. */
const PAGE = 2_000;

/** One query of a stream. */
export interface StreamQuery {
  readonly text: string;
  readonly values: readonly unknown[];
}

/**
 * Rows of a query as they are needed, through a cursor: any number of them in bounded memory, all of one state of the
 * database. Takes a connection of the pool until the iteration ends, also when it ends early.
 */
export async function* readStream<Row extends pg.QueryResultRow>(
  pool: pg.Pool,
  { text, values }: StreamQuery,
): AsyncGenerator<Row> {
  const client = await pool.connect();
  let failure: Error | undefined;
  try {
    await client.query('BEGIN READ ONLY');
    await client.query(`DECLARE stream NO SCROLL CURSOR FOR ${text}`, [...values]);
    for (;;) {
      const { rows } = await client.query<Row>(`FETCH ${PAGE} FROM stream`);
      yield* rows;
      if (rows.length < PAGE) break;
    }
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
