import { createHash } from 'node:crypto';
import { openCatalog } from '@filetracker/catalog';
import pg from 'pg';
import { repeatedContents } from '#catalog/database/repeated-contents.js';
import { Sqlite } from '#catalog/database/sqlite/driver.js';
import { copyTree } from './copy-tree.js';
import { contentOf, recordGenerated } from './generated-scan.js';

/** What a catalog is filled with. */
interface Filling {
  readonly files: number;
  readonly directories: number;
  /** Scans behind the first, each of which finds a hundredth of the files changed. */
  readonly laterScans: number;
  /** How many times the tree is there in the end. */
  readonly copies: number;
}

/** Fills a new catalog with a generated tree and its history; tells how long that took. */
export async function fillCatalog(place: string, { laterScans, copies, ...shape }: Filling): Promise<void> {
  const timed = async (what: string, work: () => Promise<void>) => {
    const started = Date.now();
    await work();
    console.log(`${what}: ${((Date.now() - started) / 1000).toFixed(1)} s`);
  };
  const catalog = await openCatalog(place, { create: true });
  for (let round = 0; round <= laterScans; round++) {
    await timed(`scan ${round + 1}`, () => recordGenerated(catalog, { ...shape, round }));
  }
  await catalog.close();
  await timed('fingerprints', () => fingerprint(place));
  if (copies > 1) await timed('copies', () => copyTree(place, copies));
}

/** Gives all files fingerprints, as if `scan --fingerprint all` had read them. */
function fingerprint(place: string): Promise<void> {
  return place.startsWith('postgres://') ? fingerprintInPostgres(place) : fingerprintInSqlite(place);
}

/** SQL for the number in the name of a generated file, `sample_NUMBER.END`. */
const FROM_NUMBER = 'sample_'.length + 1;

async function fingerprintInSqlite(file: string): Promise<void> {
  const database = new Sqlite(file);
  database.function('fingerprint_of', { deterministic: true }, (name) => {
    const number = Number.parseInt((name as Buffer).toString('latin1', FROM_NUMBER - 1), 10);
    return createHash('sha256')
      .update(String(contentOf(number)))
      .digest();
  });
  database.pragma('synchronous = OFF');
  database.pragma(`cache_size = -${1024 * 1024}`);
  database.pragma('temp_store = FILE');
  const index = database
    .prepare("SELECT sql FROM sqlite_schema WHERE name = 'files_by_fingerprint'")
    .pluck()
    .get() as string;
  // An index that is made at once is made in a tenth of the time.
  database.exec(`
    DROP INDEX files_by_fingerprint;
    UPDATE files SET fingerprint = fingerprint_of(name) WHERE mode >> 12 = 8;
    ${index};
    INSERT INTO repeated_contents ${repeatedContents('fingerprint IS NOT NULL')};`);
  database.pragma('wal_checkpoint(TRUNCATE)');
  database.close();
}

async function fingerprintInPostgres(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const number = `(regexp_match(convert_from(name, 'LATIN1'), '[0-9]+'))[1]::bigint`;
  const statements = [
    'SET search_path = filetracker',
    'DROP INDEX files_by_fingerprint',
    `UPDATE files SET fingerprint = sha256((n - CASE n % 50 WHEN 10 THEN 1 ELSE 0 END)::text::bytea)
      FROM (SELECT directory_id AS home, name AS called, ${number} AS n FROM files) AS numbered
      WHERE directory_id = home AND name = called AND mode >> 12 = 8`,
    'CREATE INDEX files_by_fingerprint ON files (fingerprint) WHERE fingerprint IS NOT NULL',
    // A scan leaves the files of a directory beside each other, the update scattered them.
    'CLUSTER files USING files_pkey',
    `INSERT INTO repeated_contents ${repeatedContents('fingerprint IS NOT NULL', 'directories.host_id')}`,
    'VACUUM ANALYZE',
  ];
  try {
    // One by one: CLUSTER of a table with partitions cannot be part of several.
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
