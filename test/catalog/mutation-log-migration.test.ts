import { openCatalog } from '@filetracker/catalog';
import { expect, test } from 'vitest';
import { all } from '../support/catalog-contents.js';
import { BYTES_LITERAL, olderPostgres, olderSqlite } from '../support/older-catalog.js';
import { query } from '../support/postgres-database.js';

/** The steps before the log of mutations knew which change each of them tells of. */
function earlier(steps: readonly string[]): readonly string[] {
  return steps.slice(
    0,
    steps.findIndex((step) => step.includes('ALTER TABLE mutation_log ADD COLUMN change')),
  );
}

/** A file that a watch saw grow twice, and be forgotten the first time; `host` where a database has several. */
function history(bytes: (text: string) => string, host: '' | 'host_id, ') {
  const one = host && '1, ';
  const [file, root] = [bytes('/data/a'), bytes('/data')];
  return [
    `INSERT INTO scan_runs (${host}id, root, source, status, is_baseline, started_at, finished_at)
     VALUES (${one}5, ${root}, 'watch', 'finished', ${host ? 'false' : '0'}, 1000, 4000)`,
    ...[
      [2, 3000, 20],
      [3, 4000, 30],
    ].map(
      ([sequence, at, size]) =>
        `INSERT INTO file_changes (${host}sequence, scan_id, recorded_at, kind, path, new_mode, new_uid, new_gid,
           new_links, new_device, new_inode, new_size, new_allocated, new_mtime_ns, new_ctime_ns)
         VALUES (${one}${sequence}, 5, ${at}, 'modified', ${file}, 33188, 0, 0, 1, 1, 1, ${size}, 0, 0, 0)`,
    ),
    ...[2000, 3000, 4000].map(
      (at) =>
        `INSERT INTO mutation_log (${host}recorded_at, kind, path, scan_id) VALUES (${one}${at}, 'modified', ${file}, 5)`,
    ),
  ];
}

/** Makes a catalog of that version. */
const OLD = {
  SQLite: () => olderSqlite(earlier, ...history(BYTES_LITERAL.SQLite, '')),
  PostgreSQL: () =>
    olderPostgres(
      earlier,
      'CREATE TABLE file_changes_old PARTITION OF file_changes DEFAULT',
      ...history(BYTES_LITERAL.PostgreSQL, 'host_id, '),
    ),
};

test.each(Object.entries(OLD))('%s: the log of an earlier version leads to its changes', async (_, old) => {
  const catalog = await openCatalog(await old(), { create: true });
  expect((await all(catalog.mutations())).map(({ after }) => after?.size)).toEqual([undefined, 20, 30]);
  await catalog.close();
});

test.each(
  Object.entries(OLD),
)('%s: in the history of an earlier version every name counts', async (_, old) => {
  const catalog = await openCatalog(await old(), { create: true });
  const changes = await all(catalog.changes({ withRecounts: true }));
  expect(changes.map(({ after, isRecount }) => [after?.size, after?.isCounted, isRecount])).toEqual([
    [20, true, false],
    [30, true, false],
  ]);
  await catalog.close();
});

test('directories of an earlier PostgreSQL catalog get room for new versions of their rows', async () => {
  const url = await OLD.PostgreSQL();
  await (await openCatalog(url, { create: true })).close();
  const rows = await query(
    url,
    "SELECT reloptions FROM pg_class WHERE oid = 'filetracker.directories'::regclass",
  );
  expect(rows).toEqual([{ reloptions: ['fillfactor=50'] }]);
});
