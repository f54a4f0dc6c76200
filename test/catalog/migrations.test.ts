import { duplicates, openQueries } from '@filetracker/catalog';
import { expect, test } from 'vitest';
import { all } from '../support/catalog-contents.js';
import { boundsProblems } from '../support/directory-bounds.js';
import { BYTES_LITERAL, olderPostgres, olderSqlite } from '../support/older-catalog.js';

/** What differs between the kinds of databases in what a test writes by itself. */
interface Dialect {
  readonly bytes: (text: string) => string;
  readonly yes: string;
}

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
         VALUES (1, ${bytes(name)}, 33188, 0, 0, 1, ${inode}, 5, 8, ${inode - 3}, 0, ${yes}, ${bytes(fingerprint)})`,
    ),
  ];
}

/** Makes a catalog as it was before it knew which contents are repeated. */
const OLD = {
  SQLite: () =>
    olderSqlite(
      (steps) => steps.slice(0, 1),
      ...treeOf({ bytes: BYTES_LITERAL.SQLite, yes: '1' }, { columns: '', values: '' }),
    ),
  PostgreSQL: () => {
    const bytes = BYTES_LITERAL.PostgreSQL;
    const extra = { columns: ', host_id, path, lineage', values: `, 1, ${bytes('/data')}, '1'` };
    return olderPostgres((steps) => steps.slice(0, 3), ...treeOf({ bytes, yes: 'true' }, extra));
  },
};

test.each(
  Object.entries(OLD),
)('%s: a catalog of an earlier version tells duplicates and is searched', async (_, old) => {
  const place = await old();
  const database = await openQueries(place);
  const sets = await all(duplicates(database, { minimumSize: 1, limit: 10 }));
  await database.close();
  expect(sets.map(({ paths, wasted }) => ({ paths, wasted }))).toEqual([
    { paths: ['/data/a', '/data/b'], wasted: 5 },
  ]);
  expect(await boundsProblems(place)).toEqual([]);
});
