import pg from 'pg';
import { SCHEMA, SCHEMA_LOCK } from './connection.js';
import { LOCK_NOT_AVAILABLE } from './hosts.js';

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

/**
 * Deletes a host's changes from before a moment, in the transaction under way, and tells how many. Months that lie
 * wholly before it and hold nothing of other hosts go as a whole, unless somebody is using them: their rows then.
 */
export async function forgetChanges(client: pg.ClientBase, host: number, before: bigint): Promise<number> {
  const dropped = await dropMonths(client, host, before);
  const { rowCount } = await client.query(
    `DELETE FROM ${SCHEMA}.file_changes WHERE host_id = $1 AND recorded_at < $2`,
    [host, before],
  );
  return dropped + (rowCount ?? 0);
}

async function dropMonths(client: pg.ClientBase, host: number, before: bigint): Promise<number> {
  const months = await monthsBefore(client, before);
  if (months.length === 0 || !(await lockHistory(client))) return 0;
  let dropped = 0;
  for (const month of months) {
    const { rows } = await client.query<{ all: bigint; own: bigint }>(
      `SELECT count(*) AS all, count(*) FILTER (WHERE host_id = $1) AS own FROM ${month}`,
      [host],
    );
    if (rows[0]?.all !== rows[0]?.own) continue;
    await client.query(`DROP TABLE ${month}`);
    dropped += Number(rows[0]?.own);
  }
  return dropped;
}

/** The partitions whose month ends before a moment. */
async function monthsBefore(client: pg.ClientBase, before: bigint): Promise<string[]> {
  const { rows } = await client.query<{ month: string }>(
    `SELECT month.oid::regclass::text AS month
     FROM pg_inherits JOIN pg_class month ON month.oid = inhrelid,
       regexp_match(pg_get_expr(relpartbound, month.oid), $$TO [(]'?([0-9]+)'?[)]$$) AS bound
     WHERE inhparent = $1::regclass AND bound[1]::bigint <= $2`,
    [`${SCHEMA}.file_changes`, before],
  );
  return rows.map(({ month }) => month);
}

/** Tries to have the history alone: reports that read it and scans that write it hold it for as long as they take. */
async function lockHistory(client: pg.ClientBase): Promise<boolean> {
  await client.query("SAVEPOINT before_lock; SET LOCAL lock_timeout = '1s'");
  try {
    await client.query(
      `LOCK TABLE ${SCHEMA}.file_changes IN ACCESS EXCLUSIVE MODE; SET LOCAL lock_timeout = 0`,
    );
    return true;
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== LOCK_NOT_AVAILABLE) throw error;
    await client.query('ROLLBACK TO before_lock');
    return false;
  }
}
