import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { inject, onTestFinished } from 'vitest';

/** Runs statements on a database and gives the rows of the last. */
export async function query(
  url: string,
  ...statements: readonly string[]
): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    let rows: Record<string, unknown>[] = [];
    for (const statement of statements) rows = (await client.query<Record<string, unknown>>(statement)).rows;
    return rows;
  } finally {
    await client.end();
  }
}

/** The URL of a database of the run's server. */
function databaseUrl(name: string): string {
  return `${inject('postgresUrl')}/${name}`;
}

/** A new empty database, dropped when the test that asked for it has finished. */
export async function newDatabase(): Promise<string> {
  const name = `t${randomUUID().replaceAll('-', '')}`;
  await query(databaseUrl('postgres'), `CREATE DATABASE ${name}`);
  onTestFinished(async () => {
    await query(databaseUrl('postgres'), `DROP DATABASE ${name} WITH (FORCE)`);
  });
  return databaseUrl(name);
}
