import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startPostgres } from '../../test/support/postgres-server.js';

/** What the catalog is measured on. */
export interface MeasuredDatabase {
  readonly name: string;
  /** Wanted speeds as multiples of find's. */
  readonly targets: Readonly<Record<'dryRun' | 'first' | 'unchanged' | 'changed', number>>;
  /** A new empty place for a catalog; the one before is forgotten. */
  readonly renew: () => Promise<string>;
  /** Bytes written so far: by a process that writes to the file, or, without a number, by the server to its log. */
  readonly written: (pid: number | undefined) => Promise<number>;
  readonly close: () => Promise<void>;
}

/** Catalogs in one file. */
export function sqliteFile(): MeasuredDatabase {
  const place = mkdtempSync(join(tmpdir(), 'filetracker-bench-catalog-'));
  return {
    name: 'SQLite',
    targets: { dryRun: 1.6, first: 0.7, unchanged: 1.2, changed: 1 },
    renew: () => {
      rmSync(place, { recursive: true, force: true });
      return Promise.resolve(join(place, 'catalog.db'));
    },
    written: (pid) => {
      if (pid === undefined) return Promise.resolve(0);
      return Promise.resolve(
        Number(/^write_bytes: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]),
      );
    },
    close: () => {
      rmSync(place, { recursive: true, force: true });
      return Promise.resolve();
    },
  };
}

/** Catalogs on a PostgreSQL server of this machine with its settings as they come. */
export async function postgresServer(): Promise<MeasuredDatabase> {
  const server = await startPostgres();
  const client = new pg.Client({ connectionString: `${server.url}/postgres` });
  await client.connect();
  let last: string | undefined;
  return {
    name: 'PostgreSQL',
    targets: { dryRun: 1.6, first: 0.25, unchanged: 1, changed: 0.6 },
    renew: async () => {
      if (last !== undefined) await client.query(`DROP DATABASE ${last} WITH (FORCE)`);
      last = `bench_${randomUUID().replaceAll('-', '')}`;
      await client.query(`CREATE DATABASE ${last}`);
      return `${server.url}/${last}`;
    },
    written: async (pid) => {
      if (pid !== undefined) return 0;
      const { rows } = await client.query<{ bytes: string }>(
        "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') AS bytes",
      );
      return Number(rows[0]?.bytes);
    },
    close: async () => {
      await client.end();
      await server.stop();
    },
  };
}

/** A catalog that is filled once and then read. */
export interface ReadDatabase {
  readonly place: string;
  /** Whether it was there before. */
  readonly isFilled: boolean;
  readonly close: () => Promise<void>;
}

/** One in SQLite: in that file, which is kept, without it in a temporary one. A URL of a database is one that is filled. */
export async function readFile(kept: string | undefined): Promise<ReadDatabase> {
  if (kept !== undefined) {
    const isFilled = kept.startsWith('postgres://') || existsSync(kept);
    return { place: kept, isFilled, close: () => Promise.resolve() };
  }
  const { renew, close } = sqliteFile();
  return { place: await renew(), isFilled: false, close };
}

/** One on a PostgreSQL server whose data are in that directory, which is kept, without it in a temporary one. */
export async function readServer(
  kept: string | undefined,
  settings: readonly string[] = [],
): Promise<ReadDatabase> {
  const isFilled = kept !== undefined && existsSync(kept);
  const flags = [...FILLED_ONCE, ...settings].flatMap((setting) => ['-c', setting]);
  const server = await startPostgres({ flags, keptIn: kept });
  return { place: `${server.url}/postgres`, isFilled, close: server.stop };
}

/** Settings of a server that is only read after it has been filled, in a fraction of the time: they change no reading. */
const FILLED_ONCE = [
  'fsync=off',
  'synchronous_commit=off',
  'wal_level=minimal',
  'max_wal_senders=0',
  'max_wal_size=16GB',
  'maintenance_work_mem=512MB',
] as const;
