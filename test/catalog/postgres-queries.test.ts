import {
  changeReport,
  diskUsage,
  duplicates,
  find,
  findPaths,
  openCatalog,
  openQueries,
  parseBytePath,
  pathHistory,
  prune,
  type QueryDatabase,
  topDirectories,
  topFiles,
} from '@filetracker/catalog';
import { expect, onTestFinished, test } from 'vitest';
import { record } from '../conformance/catalog/recording.js';
import { all, allOf } from '../support/catalog-contents.js';
import { PackedTree } from '../support/packed-tree.js';
import { newCatalogDatabase, query } from '../support/postgres-database.js';

const ROOT = '/data';

/** Records two states of the same tree for one of the machines of a database. */
async function recordTwice(url: string, host: string, size: number): Promise<void> {
  const catalog = await openCatalog(url, { create: true, host });
  const tree = new PackedTree(ROOT).file('d/a', { size }).file('d/b', { size });
  await record(catalog, tree);
  await record(catalog, tree.file('d/new', { size }));
  await catalog.close();
}

async function opened(url: string, host: string): Promise<QueryDatabase> {
  const database = await openQueries(url, { host });
  onTestFinished(() => database.close());
  return database;
}

/** Notes the same content for all files of a machine. */
async function giveAllOneContent(url: string, host: string): Promise<void> {
  const database = await opened(url, host);
  const fingerprint = Buffer.from('same');
  await database.write(async (writer) => {
    await writer.tables.updateTable('files').set({ fingerprint }).execute();
    await writer.noteRepeated([fingerprint]);
  });
}

/** What each report says, without the numbers that the machines share. */
async function everything(database: QueryDatabase) {
  const span = { after: 0, upTo: Date.now(), interval: 'month', limit: 9 } as const;
  const { kinds, totals, scans } = await changeReport(database, span);
  const history = await all(pathHistory(database, parseBytePath(`${ROOT}/d/new`)));
  return {
    usage: await all(diskUsage(database, { depth: 9 })),
    top: await topDirectories(database, { limit: 9, by: 'size' }),
    files: await topFiles(database, { limit: 9 }),
    found: await allOf(find(database, {})),
    history: history.map(({ kind, after }) => [kind, after?.size]),
    copies: await all(duplicates(database, { minimumSize: 0, limit: 9 })),
    report: { kinds, totals, scans },
  };
}

test('machines that share a database have reports of their own', async () => {
  const url = await newCatalogDatabase();
  await recordTwice(url, 'one', 1000);
  const database = await opened(url, 'one');
  await giveAllOneContent(url, 'one');
  const alone = await everything(await opened(url, 'one'));
  expect(alone).toMatchObject({
    files: [{ bytes: 1000 }, {}, {}],
    copies: [{ wasted: 2000 }],
    report: { scans: 2 },
  });
  await recordTwice(url, 'two', 7);
  await giveAllOneContent(url, 'two');
  expect(await everything(await opened(url, 'one'))).toEqual(alone);
  expect((await allOf(find(database, {}))).length).toBe(alone.found.length);
  const { runs, changes } = await prune(database, Date.now() + 1);
  expect({ runs, changes }).toEqual({ runs: 1, changes: 1 });
  expect((await everything(await opened(url, 'two'))).report).toMatchObject({
    scans: 2,
    kinds: { new: { files: 1 } },
  });
});

test('a machine of which nothing was recorded is told in one line, with those that are known', async () => {
  const url = await newCatalogDatabase();
  await recordTwice(url, 'one', 1);
  await expect(openQueries(url, { host: 'elsewhere' })).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(
      /^nothing of elsewhere was recorded in .*: it knows one \(--host\)$/,
    ) as string,
  });
});

const months = (url: string) =>
  query(
    url,
    "SELECT relname FROM pg_class WHERE relname ~ '^file_changes_\\d+_\\d+$' AND relkind = 'r' ORDER BY 1",
  );

/** Moves all changes of a machine into a month of which there is a partition of its own. */
async function datedBack(url: string, host: string): Promise<void> {
  const [from, to, then] = [Date.UTC(2020, 0), Date.UTC(2020, 1), Date.UTC(2020, 0, 15)];
  await query(
    url,
    `CREATE TABLE IF NOT EXISTS filetracker.file_changes_2020_01 PARTITION OF filetracker.file_changes
       FOR VALUES FROM (${from}) TO (${to})`,
    `UPDATE filetracker.file_changes SET recorded_at = ${then}
       WHERE host_id = (SELECT id FROM filetracker.hosts WHERE name = '${host}')`,
  );
}

test('prune takes a whole month away where nothing of other machines is in it, and rows otherwise', async () => {
  const url = await newCatalogDatabase();
  const before = Date.UTC(2021, 0);
  for (const host of ['one', 'two']) {
    await recordTwice(url, host, 1);
    await datedBack(url, host);
  }
  expect(await prune(await opened(url, 'one'), before)).toMatchObject({ changes: 1 });
  expect(await months(url)).toContainEqual({ relname: 'file_changes_2020_01' });
  expect(await prune(await opened(url, 'two'), before)).toMatchObject({ changes: 1 });
  expect(await months(url)).not.toContainEqual({ relname: 'file_changes_2020_01' });
  await recordTwice(url, 'one', 2);
});

test('prune does not wait for a report that reads the history', async () => {
  const url = await newCatalogDatabase();
  await recordTwice(url, 'one', 1);
  await datedBack(url, 'one');
  const reader = await opened(url, 'one');
  const read = async () => (await all(pathHistory(reader, parseBytePath(`${ROOT}/d/new`)))).length;
  expect(await read()).toBe(1);
  expect(await prune(await opened(url, 'one'), Date.UTC(2021, 0))).toMatchObject({ changes: 1 });
  expect(await read()).toBe(1);
  expect(await months(url)).toContainEqual({ relname: 'file_changes_2020_01' });
});

test('what writes waits for no scan: it is refused in one line', async () => {
  const url = await newCatalogDatabase();
  await recordTwice(url, 'one', 1);
  const catalog = await openCatalog(url, { create: false, host: 'one' });
  const session = await catalog.beginScan({ root: parseBytePath(ROOT), source: 'scan' });
  await expect(prune(await opened(url, 'one'), 0)).rejects.toMatchObject({ code: 'busy' });
  await session.abort();
  await catalog.close();
});

const hangUpOnAll = (url: string) =>
  query(
    url,
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
  );

const LOST = {
  code: 'unavailable',
  message: expect.stringMatching(/^cannot use the catalog postgres:\/\/tracker@.*(terminat|lost)/i) as string,
};

test('a connection that is lost under a report is one clear line', async () => {
  const url = await newCatalogDatabase();
  await recordTwice(url, 'one', 1);
  const database = await opened(url, 'one');
  expect(await all(diskUsage(database, { depth: 0 }))).toHaveLength(1);
  await hangUpOnAll(url);
  await expect(allOf(find(database, {}))).rejects.toMatchObject(LOST);
});

/** A machine with that many files, in fifty directories; the size of each is its number. */
async function withFiles(count: number): Promise<{ readonly url: string; readonly database: QueryDatabase }> {
  const url = await newCatalogDatabase();
  const catalog = await openCatalog(url, { create: true });
  const tree = new PackedTree(ROOT);
  for (let n = 0; n < count; n++) tree.file(`d${n % 50}/f${n}`, { size: n });
  await record(catalog, tree);
  await catalog.close();
  const database = await openQueries(url);
  onTestFinished(() => database.close());
  return { url, database };
}

test('a search finds each entry once, also after one that was not read to its end', async () => {
  const { database } = await withFiles(20_050);
  for (const least of [20_050, 20_000, 0]) {
    const search = () => findPaths(database, { minimumSize: least, types: ['file'] });
    for await (const paths of search()) {
      expect(paths.length).toBeGreaterThan(0);
      break;
    }
    const wanted = Array.from(
      { length: 20_050 - least },
      (_, n) => `${ROOT}/d${(n + least) % 50}/f${n + least}`,
    );
    expect((await allOf(search())).sort()).toEqual(wanted.sort());
  }
});

test('limits of a server for the time of statements end neither a scan nor a search', async () => {
  const url = await newCatalogDatabase();
  const name = new URL(url).pathname.slice(1);
  await query(url, `ALTER DATABASE ${name} SET statement_timeout = 1`);
  await recordTwice(url, 'one', 1);
  const found = await allOf(findPaths(await opened(url, 'one'), { types: ['file'] }));
  expect(found).toHaveLength(3);
});

test('a connection that is lost under a search is one clear line', async () => {
  const { url, database } = await withFiles(20_050);
  const search = findPaths(database, { types: ['file'] });
  await search.next();
  await hangUpOnAll(url);
  await expect(allOf(search)).rejects.toMatchObject(LOST);
});
