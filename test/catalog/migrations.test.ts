import { hostname } from 'node:os';
import { join } from 'node:path';
import { duplicates, openQueries } from '@filetracker/catalog';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { MIGRATIONS as POSTGRES_STEPS } from '#catalog/database/postgres/migrations.js';
import { MIGRATIONS as SQLITE_STEPS } from '#catalog/database/sqlite/migrations.js';
import { all } from '../support/catalog-contents.js';
import { newDatabase, query } from '../support/postgres-database.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/** What differs between the kinds of databases in what a test writes by itself. */
interface Dialect {
  readonly bytes: (text: string) => string;
  readonly yes: string;
}

const SQLITE: Dialect = { bytes: (text) => `x'${Buffer.from(text).toString('hex')}'`, yes: '1' };
const POSTGRES: Dialect = {
  bytes: (text) => `'\\x${Buffer.from(text).toString('hex')}'::bytea`,
  yes: 'true',
};

/** A directory `/data` with files: a name, an inode and a fingerprint each. */
function treeOf(
  { bytes, yes }: Dialect,
  extra: { readonly columns: string; readonly values: string },
): string[] {
  const stat = 'mode, uid, gid, links, inode, size, allocated, mtime_ns, ctime_ns';
  const files = [
    ['a', 1, 'same'],
    ['b', 2, 'same'],
    ['c', 3, 'else'],
    ['linked', 4, 'link'],
    ['linked-too', 4, 'link'],
    ['changing', 5, ''],
    ['changing-too', 6, ''],
  ] as const;
  return [
    `INSERT INTO directories (id, parent_id, name, device, ${stat}, total_files${extra.columns})
     VALUES (1, 0, ${bytes('/data')}, 7, 16877, 0, 0, 2, 9, 4096, 4096, 0, 0, ${files.length}${extra.values})`,
    ...files.map(
      ([name, inode, fingerprint]) =>
        `INSERT INTO files (directory_id, name, ${stat}, is_counted, fingerprint)
         VALUES (1, ${bytes(name)}, 33188, 0, 0, 1, ${inode}, 5, 8, 0, 0, ${yes}, ${bytes(fingerprint)})`,
    ),
  ];
}

/** Makes a catalog as it was before it knew which contents are repeated. */
const OLD = {
  SQLite: () => {
    const file = join(temporaryDirectory(), 'catalog.db');
    const database = new Database(file);
    for (const step of SQLITE_STEPS.slice(0, 1)) database.exec(step);
    for (const statement of treeOf(SQLITE, { columns: '', values: '' })) database.exec(statement);
    database.pragma('user_version = 1');
    database.pragma('application_id = 0x4674436c');
    database.close();
    return Promise.resolve(file);
  },
  PostgreSQL: async () => {
    const url = await newDatabase();
    const extra = { columns: ', host_id, path, lineage', values: `, 1, ${POSTGRES.bytes('/data')}, '1'` };
    await query(
      url,
      'CREATE SCHEMA filetracker',
      'SET search_path = filetracker, public',
      'CREATE EXTENSION ltree',
      'CREATE TABLE schema_version (version integer NOT NULL)',
      'INSERT INTO schema_version VALUES (3)',
      ...POSTGRES_STEPS.slice(0, 3),
      `INSERT INTO hosts (name) VALUES ('${hostname()}')`,
      ...treeOf(POSTGRES, extra),
    );
    return url;
  },
};

test.each(Object.entries(OLD))('%s: a catalog of an earlier version tells duplicates', async (_, old) => {
  const database = await openQueries(await old());
  const sets = await all(duplicates(database, { minimumSize: 1, limit: 10 }));
  await database.close();
  expect(sets.map(({ paths, wasted }) => ({ paths, wasted }))).toEqual([
    { paths: ['/data/a', '/data/b'], wasted: 5 },
  ]);
});
