import type pg from 'pg';
import { SCHEMA, SCHEMA_LOCK } from './connection.js';

/**
 * Makes the partitions of `file_changes` for the month of a time (milliseconds since 1970) and the one after it, so
 * that a scan which lasts over the end of a month finds its own. Months are those of UTC. Does nothing, and takes no
 * lock, where they are there. Must not run in the transaction of a scan: the lock keeps readers waiting.
 */
export async function ensurePartitions(client: pg.Client, now: number): Promise<void> {
  const date = new Date(now);
  for (const month of [date.getUTCMonth(), date.getUTCMonth() + 1]) {
    const from = new Date(Date.UTC(date.getUTCFullYear(), month));
    const name = `file_changes_${from.toISOString().slice(0, 7).replace('-', '_')}`;
    const { rows } = await client.query<{ found: boolean }>('SELECT to_regclass($1) IS NOT NULL AS found', [
      `${SCHEMA}.${name}`,
    ]);
    if (rows[0]?.found) continue;
    const to = Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + 1);
    // Two programs that make the same table at once would fail, in spite of IF NOT EXISTS.
    await client.query(`
      BEGIN; SELECT pg_advisory_xact_lock(${SCHEMA_LOCK});
      CREATE TABLE IF NOT EXISTS ${name} PARTITION OF file_changes FOR VALUES FROM (${from.getTime()}) TO (${to});
      COMMIT`);
  }
}
