import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import {
  type Catalog,
  type CatalogError,
  openCatalog,
  openQueries,
  parseBytePath,
} from '@filetracker/catalog';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { record } from '../conformance/catalog/recording.js';
import { describeCatalog } from '../conformance/catalog-suite.js';
import { describeWatchRecorder } from '../conformance/watch-recorder-suite.js';
import { all, contents } from '../support/catalog-contents.js';
import { checkedCatalog } from '../support/checked-catalog.js';
import { PackedTree } from '../support/packed-tree.js';
import { newCatalogDatabase, newDatabase, query, queryMeanwhile } from '../support/postgres-database.js';

const factory = {
  kind: 'PostgreSQL',
  create: async () => checkedCatalog(await newCatalogDatabase()),
};
describeCatalog(factory);
describeWatchRecorder(factory);

const tree = () => new PackedTree('/data').file('a', { size: 3 }).file('d/b', { size: 4 });

async function opened(url: string, host?: string): Promise<Catalog> {
  const catalog = await openCatalog(url, { create: true, ...(host !== undefined && { host }) });
  onTestFinished(() => catalog.close());
  return catalog;
}

const failure = (url: string, create = true) =>
  openCatalog(url, { create }).then(
    () => undefined,
    (error: CatalogError) => error,
  );

/** What connecting to a server gives that accepts connections and says nothing. */
async function failureOfSilence(): Promise<CatalogError | undefined> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const error = await failure(`postgres://tracker@127.0.0.1:${port}/catalog`);
  for (const socket of sockets) socket.destroy();
  server.close();
  return error;
}

describe('a PostgreSQL database', () => {
  // It takes ten seconds in which the other tests have nothing to wait for.
  let silence: Promise<CatalogError | undefined>;
  beforeAll(() => {
    silence = failureOfSilence();
  });

  test('a newer schema is refused', async () => {
    const url = await newDatabase();
    await opened(url);
    await query(url, 'UPDATE filetracker.schema_version SET version = 9999');
    expect(await failure(url)).toMatchObject({ code: 'newer_schema' });
  });

  test('a schema of another program is refused and not changed', async () => {
    const url = await newDatabase();
    await query(url, 'CREATE SCHEMA filetracker', 'CREATE TABLE filetracker.theirs (x integer)');
    expect(await failure(url)).toMatchObject({ code: 'foreign_database' });
    expect(await query(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'filetracker'")).toEqual([
      { tablename: 'theirs' },
    ]);
  });

  test('settings in the URL count, but for those that a catalog needs', async () => {
    const url = await newDatabase();
    const name = new URL(url).pathname.slice(1);
    await query(url, `ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    const options = '-c default_transaction_read_only=off -c search_path=public';
    await opened(`${url}?options=${encodeURIComponent(options)}`);
    expect(
      await query(url, "SELECT to_regclass('filetracker.schema_version') IS NOT NULL AS is_there"),
    ).toEqual([{ is_there: true }]);
  });

  test('reading from a catalog that does not exist makes none', async () => {
    const url = await newDatabase();
    expect(await failure(url, false)).toMatchObject({ code: 'unavailable' });
    expect(await query(url, "SELECT 1 FROM pg_namespace WHERE nspname = 'filetracker'")).toEqual([]);
  });

  test.each([
    [
      'a wrong password',
      (url: string) => url.replace(':secret@', ':wrong@'),
      /password authentication failed/,
    ],
    ['a database that is not there', (url: string) => `${url}-missing`, /does not exist/],
    [
      'a server that does not answer',
      (url: string) => url.replace(/:\d+\//, ':1/'),
      /no server answers there/,
    ],
    ['a URL that is none', () => 'postgres://[', /malformed/],
  ])('%s is one clear line without the password', async (_, change, message) => {
    const error = await failure(change(await newDatabase()));
    expect(error).toMatchObject({ code: 'unavailable', message: expect.stringMatching(message) as string });
    expect(error?.message).not.toMatch(/\n|secret|wrong@/);
  });

  test('a user who may only read reads, and a scan says what is denied and changes nothing', async () => {
    const url = await newCatalogDatabase();
    const catalog = await opened(url);
    await record(catalog, tree());
    const before = await contents(catalog, tree().root);
    const role = new URL(url).pathname.slice(1).replace(/^t/, 'reader_');
    await query(
      url,
      `CREATE ROLE ${role} LOGIN PASSWORD 'secret'`,
      `GRANT USAGE ON SCHEMA filetracker TO ${role}`,
      `GRANT SELECT ON ALL TABLES IN SCHEMA filetracker TO ${role}`,
    );
    onTestFinished(async () => {
      await query(url, `DROP OWNED BY ${role}`, `DROP ROLE ${role}`);
    });
    const reader = await opened(url.replace('//tracker:', `//${role}:`));
    expect(await all(reader.scans())).toHaveLength(1);
    await expect(record(reader, tree().file('new'))).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/^cannot use the catalog [^\n]*permission denied[^\n]*$/) as string,
    });
    expect(await contents(catalog, tree().root)).toEqual(before);
    expect((await record(catalog, tree().file('new'))).changes.new.files).toBe(1);
  });

  test('a read-only database can be read, and a scan says why it cannot be', async () => {
    const url = await newCatalogDatabase();
    const catalog = await opened(url);
    await record(catalog, tree());
    await query(
      url,
      `ALTER DATABASE ${new URL(url).pathname.slice(1)} SET default_transaction_read_only = on`,
    );
    const reader = await opened(url);
    expect(await all(reader.scans())).toHaveLength(1);
    await expect(record(reader, tree())).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('read-only') as string,
    });
  });

  test('a connection lost while a scan is recorded leaves the catalog as it was, and the next scan works', async () => {
    const url = await newCatalogDatabase();
    const catalog = await opened(url);
    await record(catalog, tree());
    const before = await contents(catalog, tree().root);
    const session = await catalog.beginScan({ root: tree().root, source: 'scan' });
    const changed = tree().remove('a').file('new', { size: 9 });
    for (const listings of changed.pack()) await session.record(listings);
    await query(
      url,
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    );
    await expect(session.finish()).rejects.toMatchObject({ code: 'unavailable' });
    await session.abort();
    expect(await contents(catalog, tree().root)).toEqual(before);
    expect((await record(catalog, changed)).changes).toMatchObject({
      new: { files: 1 },
      removed: { files: 1 },
    });
    expect(await query(url, "SELECT relname FROM pg_class WHERE relname LIKE 'staged%'")).toEqual([]);
  });

  test('a connection lost while listings travel fails the scan at once, with a reason', async () => {
    const url = await newCatalogDatabase();
    const catalog = await opened(url);
    const session = await catalog.beginScan({ root: tree().root, source: 'scan' });
    const large = tree();
    for (let n = 0; n < 5_000; n++) large.file(`f${n}`);
    const listings = large.pack();
    for (const buffer of listings) await session.record(buffer);
    await query(
      url,
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    );
    const goOn = async () => {
      for (let n = 0; n < 1_000; n++) for (const buffer of listings) await session.record(buffer);
    };
    await expect(goOn()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/terminat|lost/i) as string,
    });
    await session.abort();
    expect(await all(catalog.scans())).toEqual([]);
    expect(await record(catalog, tree())).toMatchObject({ isBaseline: true, totals: { files: 2 } });
  });

  test('a catalog goes on when the server has ended its idle connections, all or one', async () => {
    const url = await newCatalogDatabase();
    const catalog = await opened(url);
    await record(catalog, tree());
    const connections =
      "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'filetracker'";
    const idle = async () => (await query(url, `SELECT pid ${connections} AND state = 'idle'`)).length;
    for (const ended of [1, 4]) {
      await Promise.all(Array.from({ length: 4 }, () => all(catalog.scans())));
      expect(await idle()).toBeGreaterThanOrEqual(4);
      queryMeanwhile(
        url,
        `SELECT pg_terminate_backend(pid, 5000) FROM (SELECT pid ${connections} LIMIT ${ended}) AS chosen`,
      );
      const reads = await Promise.all([
        all(catalog.scans()),
        all(catalog.files(tree().root)),
        catalog.directory(tree().root),
        catalog.mutationCursor(),
      ]);
      expect(reads[0]).toHaveLength(1);
      expect(reads[2]?.totals.files).toBe(2);
    }
    const watch = await catalog.beginWatch({ root: tree().root });
    queryMeanwhile(url, `SELECT pg_terminate_backend(pid, 5000) ${connections}`);
    expect((await record(catalog, tree().file('new'))).changes.new.files).toBe(1);
    expect(await all(watch.directories())).toHaveLength(1);
    await watch.close();
  });

  test('a report that lost its idle connection for writing makes another', async () => {
    const url = await newCatalogDatabase();
    await record(await opened(url), tree());
    const database = await openQueries(url);
    onTestFinished(() => database.close());
    const fill = (fingerprint: Buffer) =>
      database.write(async ({ tables }) => {
        await tables.updateTable('files').set({ fingerprint }).execute();
      });
    await fill(Buffer.from('first'));
    // The other connection holds the state that is read, in a transaction: it is not idle.
    const writing = `FROM pg_stat_activity WHERE datname = current_database()
      AND application_name = 'filetracker' AND state = 'idle' AND query = 'COMMIT'`;
    expect(await query(url, `SELECT pid ${writing}`)).toHaveLength(1);
    queryMeanwhile(url, `SELECT pg_terminate_backend(pid, 5000) ${writing}`);
    await fill(Buffer.from('second'));
    expect(await query(url, 'SELECT DISTINCT fingerprint FROM filetracker.files')).toEqual([
      { fingerprint: Buffer.from('second') },
    ]);
  });

  test('hosts that share a database see and change only their own trees, also at the same time', async () => {
    const url = await newCatalogDatabase();
    const [one, two] = [await opened(url, 'one'), await opened(url, 'two')];
    const session = await one.beginScan({ root: tree().root, source: 'scan' });
    await record(two, tree().file('more', { size: 100 }));
    for (const listings of tree().pack()) await session.record(listings);
    await session.finish();
    expect(await record(two, tree())).toMatchObject({ changes: { removed: { files: 1, bytes: 100 } } });
    expect((await one.directory(tree().root))?.totals).toMatchObject({ files: 2, bytes: 7 });
    expect(await all(one.changes())).toEqual([]);
    expect(await all(one.scans())).toHaveLength(1);
  });

  test('the rescan of an unchanged tree writes less than 256 KiB of log', async () => {
    const url = await newCatalogDatabase();
    const catalog = await opened(url);
    const large = new PackedTree('/data');
    for (let n = 0; n < 4_000; n++) large.file(`d${n % 200}/f${n}`);
    await record(catalog, large);
    // The first look at a page after a checkpoint may log it whole: let that be done before.
    await query(url, 'CREATE EXTENSION pg_walinspect', 'VACUUM');
    const [start] = await query(url, 'SELECT pg_current_wal_insert_lsn() AS lsn');
    await record(catalog, large);
    // The server's log is that of all tests at the same time: only what touches this database counts.
    const [written] = await query(
      url,
      `SELECT coalesce(sum(record_length), 0)::integer AS bytes
       FROM pg_get_wal_records_info('${String(start?.['lsn'])}', pg_current_wal_flush_lsn()) AS record
       WHERE block_ref LIKE '%/' || (SELECT oid FROM pg_database WHERE datname = current_database()) || '/%'`,
    );
    expect(written?.['bytes']).toBeGreaterThan(0);
    expect(written?.['bytes']).toBeLessThan(256 * 1024);
  });

  test('changes lie in the partition of their month', async () => {
    const url = await newCatalogDatabase();
    const catalog = await opened(url);
    await record(catalog, tree());
    const run = await record(catalog, tree().file('new'));
    const month = new Date(run.finishedAt).toISOString().slice(0, 7).replace('-', '_');
    expect(await query(url, `SELECT kind FROM filetracker.file_changes_${month}`)).toEqual([{ kind: 'new' }]);
  });

  test('a first scan that is aborted leaves no file, and the next one works', async () => {
    const url = await newCatalogDatabase();
    const catalog = await opened(url);
    const large = tree();
    for (let n = 0; n < 5_000; n++) large.file(`d/f${n}`);
    const session = await catalog.beginScan({ root: large.root, source: 'scan' });
    for (const listings of large.pack()) await session.record(listings);
    await session.abort();
    expect(await query(url, 'SELECT FROM filetracker.files LIMIT 1')).toEqual([]);
    expect((await record(catalog, large)).totals).toMatchObject({ files: 5_002, directories: 1 });
  });

  test('a directory that a first scan lists twice is recorded once', async () => {
    const url = await newCatalogDatabase();
    const catalog = await opened(url);
    const session = await catalog.beginScan({ root: tree().root, source: 'scan' });
    for (const listings of [...tree().pack(), ...tree().list('d')]) await session.record(listings);
    expect((await session.finish()).totals).toMatchObject({ files: 2, directories: 1, bytes: 7 });
    expect(await query(url, 'SELECT count(*)::integer AS files FROM filetracker.files')).toEqual([
      { files: 2 },
    ]);
  });

  test('directories whose numbers begin alike do not go together', async () => {
    const catalog = await opened(await newCatalogDatabase());
    const many = new PackedTree('/data');
    for (let n = 0; n < 40; n++) many.file(`d${n}/f`);
    await record(catalog, many);
    for (const gone of ['d0', 'd1', 'd20', 'd38', 'd39']) {
      expect((await record(catalog, many.remove(gone))).changes).toMatchObject({
        removedDirectories: 1,
        removed: { files: 1 },
      });
    }
  });

  test('trees a thousand directories deep, with names of 255 bytes, come and go', async () => {
    const catalog = await opened(await newCatalogDatabase());
    const deep = new PackedTree('/data').file(`${'d/'.repeat(1000)}leaf`, { size: 5 }).file('stays');
    const wide = Array.from({ length: 15 }, () => 'é'.repeat(127)).join('/');
    deep.file(`${wide}/leaf`, { size: 6 });
    expect((await record(catalog, deep)).totals).toMatchObject({ directories: 1015, bytes: 11 });
    const run = await record(catalog, deep.remove('d'));
    expect(run).toMatchObject({
      changes: { removedDirectories: 1000 },
      totals: { directories: 15, bytes: 6 },
    });
    const found = await all(catalog.changes({ path: parseBytePath(`/data/${'d/'.repeat(999)}`) }));
    expect(found).toHaveLength(3);
  });

  test('a server that accepts connections and says nothing is told as such', async () => {
    expect(await silence).toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/the server does not answer$/) as string,
    });
  });
});
