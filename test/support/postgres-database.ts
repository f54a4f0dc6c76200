import { execFileSync } from 'node:child_process';
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

/** Runs a statement in another process, while this one learns nothing of what happens. */
export function queryMeanwhile(url: string, statement: string): void {
  const program = `
    import pg from 'pg';
    const client = new pg.Client({ connectionString: process.argv[1] });
    await client.connect();
    await client.query(process.argv[2]);
    await client.end();`;
  execFileSync(process.execPath, ['--input-type=module', '-e', program, url, statement]);
}

/** The URL of a database of the run's server. */
function databaseUrl(name: string): string {
  return `${inject('postgresUrl')}/${name}`;
}

/** A new empty database, dropped when the test that asked for it has finished. */
export function newDatabase(): Promise<string> {
  return copyOf('template1');
}

/**
 * A new database with a catalog of which nothing is known yet, dropped when the test that asked for it has finished.
 * Copying its files costs a third of the processor time of making an empty database and then the schema.
 */
export function newCatalogDatabase(): Promise<string> {
  return copyOf(inject('catalogTemplate'));
}

async function copyOf(template: string): Promise<string> {
  const name = `t${randomUUID().replaceAll('-', '')}`;
  await query(databaseUrl('postgres'), `CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY file_copy`);
  onTestFinished(async () => {
    await query(databaseUrl('postgres'), `DROP DATABASE ${name} WITH (FORCE)`);
  });
  return databaseUrl(name);
}
