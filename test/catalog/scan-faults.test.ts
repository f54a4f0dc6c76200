import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { type Catalog, openCatalog, parseBytePath, scan } from '@filetracker/catalog';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { record } from '../conformance/catalog/recording.js';
import { all, contents } from '../support/catalog-contents.js';
import { DATABASES } from '../support/databases.js';
import { loseFrom, makeExt4, makeExt4In, makeTmpfs } from '../support/file-systems.js';
import { PackedTree } from '../support/packed-tree.js';
import { query } from '../support/postgres-database.js';
import { ScannedTree } from '../support/scanned-tree.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/** A tree whose listings take about 4 MiB in a database. */
function large(): PackedTree {
  const tree = new PackedTree('/data').file('a');
  for (let n = 0; n < 20_000; n++) tree.file(`d${n % 100}/${'long-name-'.repeat(10)}${n}`);
  return tree;
}

/** Records a small tree, finds no room for a large one, and has room again. */
async function expectRecovery(catalog: Catalog, makeRoom: () => void | Promise<void>): Promise<void> {
  const small = new PackedTree('/data').file('a');
  await record(catalog, small);
  const before = await contents(catalog, small.root);
  const session = await catalog.beginScan({ root: small.root, source: 'scan' });
  const recorded = (async () => {
    for (const listings of large().pack()) await session.record(listings);
    await session.finish();
  })();
  await expect(recorded).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/^cannot use the catalog [^\n]*(full|space)[^\n]*$/) as string,
  });
  await session.abort();
  expect(await contents(catalog, small.root)).toEqual(before);
  expect(await all(catalog.scans())).toHaveLength(1);
  await makeRoom();
  expect((await record(catalog, large())).changes.new.files).toBe(20_000);
}

test('a disk that is full in the middle of a scan leaves a file’s catalog as it was', async () => {
  const disk = makeTmpfs(40);
  const catalog = await openCatalog(join(disk.path, 'catalog.db'), { create: true });
  const ballast = join(disk.path, 'ballast');
  writeFileSync(ballast, Buffer.alloc(38 * 1024 * 1024));
  await expectRecovery(catalog, () => writeFileSync(ballast, ''));
  await catalog.close();
});

test('a server’s disk that is full in the middle of a scan leaves the catalog as it was', async () => {
  const disk = makeTmpfs(64);
  // The server runs as a user of its own, who has to get there.
  for (const above of [dirname(disk.path), dirname(dirname(disk.path))]) chmodSync(above, 0o711);
  execFileSync('chown', ['postgres', disk.path]);
  const server = inject('postgresUrl');
  await query(`${server}/postgres`, `CREATE TABLESPACE small LOCATION '${disk.path}'`);
  onTestFinished(async () => {
    await query(
      `${server}/postgres`,
      'DROP DATABASE IF EXISTS on_small WITH (FORCE)',
      'DROP TABLESPACE small',
    );
  });
  await query(`${server}/postgres`, 'CREATE DATABASE on_small TABLESPACE small');
  const catalog = await openCatalog(`${server}/on_small`, { create: true });
  // The files of a new database have holes, which the checkpoints of other tests would fill with the space that is left.
  await query(`${server}/on_small`, 'CHECKPOINT');
  const ballast = join(disk.path, 'ballast');
  const free = Number(
    execFileSync('df', ['--output=avail', '-B1', disk.path], { encoding: 'utf8' }).split('\n')[1],
  );
  writeFileSync(ballast, Buffer.alloc(free - 2 * 1024 * 1024));
  await expectRecovery(catalog, () => writeFileSync(ballast, ''));
  await catalog.close();
});

test('a file on a read-only disk is told in one line that says why', async () => {
  const disk = makeTmpfs(8);
  const file = join(disk.path, 'catalog.db');
  const catalog = await openCatalog(file, { create: true });
  await record(catalog, new PackedTree('/data').file('a'));
  await catalog.close();
  execFileSync('mount', ['-o', 'remount,ro', disk.path]);
  await expect(openCatalog(file, { create: false })).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/must be writable/) as string,
  });
});

describe.each(DATABASES)('$kind', ({ newPlace }) => {
  test('a root that vanishes in the middle of a scan leaves the catalog as it was', async () => {
    const tree = await ScannedTree.in({ newPlace });
    for (let n = 0; n < 50; n++) writeFileSync(join(tree.root, `f${n}`), '');
    await tree.scan();
    const catalog = await openCatalog(tree.database, { create: false });
    const before = await contents(catalog, tree.path);
    const vanishing = scan(catalog, tree.path, {
      onProgress: () => renameSync(tree.root, `${tree.root}.gone`),
    });
    await expect(vanishing).rejects.toMatchObject({ code: 'root_unreadable' });
    expect(await contents(catalog, tree.path)).toEqual(before);
    renameSync(`${tree.root}.gone`, tree.root);
    expect((await scan(catalog, parseBytePath(tree.root))).changes.removed.files).toBe(0);
    expect(statSync(tree.root).isDirectory()).toBe(true);
    await catalog.close();
  });

  test('what the disk cannot read is told, and nothing below it is taken for removed', async () => {
    const disk = makeExt4(16);
    const root = join(disk.path, 'tree');
    for (const name of ['kept', 'lost', 'lost/below']) {
      mkdirSync(join(root, name), { recursive: true });
      for (let n = 0; n < 20; n++) writeFileSync(join(root, name, `f${n}`), '');
    }
    const path = parseBytePath(root);
    const catalog = await openCatalog(await newPlace(temporaryDirectory()), { create: true });
    await scan(catalog, path);
    const lost = join(root, 'lost');
    loseFrom(disk, lost);
    expect(() => readdirSync(lost)).toThrow('EIO');
    const before = await contents(catalog, path);
    const found = await scan(catalog, path);
    expect(found).toMatchObject({
      errors: 1,
      unreadableDirectories: 1,
      totals: { files: 60 },
      changes: { removed: { files: 0 }, removedDirectories: 0 },
    });
    expect(await all(catalog.errors(found.id))).toEqual([
      { scan: found.id, path: parseBytePath(lost), errno: constants.errno.EIO },
    ]);
    expect(await contents(catalog, path)).toEqual(before);
    await catalog.close();
  });

  test('of a file system that is not mounted any more nothing is taken for removed', async () => {
    const disk = makeExt4(16);
    const root = dirname(disk.path);
    mkdirSync(join(disk.path, 'd'));
    for (const name of ['a', 'd/b']) writeFileSync(join(disk.path, name), '');
    const [path, mounted] = [parseBytePath(root), parseBytePath(disk.path)];
    const catalog = await openCatalog(await newPlace(temporaryDirectory()), { create: true });
    await scan(catalog, path);
    disk.unmount();
    const before = await contents(catalog, mounted);
    // The second scan has nothing but what the first has left.
    for (let n = 0; n < 2; n++) {
      const found = await scan(catalog, path);
      expect(found).toMatchObject({ unreadableDirectories: 1, changes: { removed: { files: 0 } } });
      expect(await all(catalog.errors(found.id))).toEqual([
        { scan: found.id, path: mounted, errno: constants.errno.ENODEV },
      ]);
    }
    expect(await contents(catalog, mounted)).toEqual(before);
    disk.mount();
    const back = await scan(catalog, path);
    expect(back).toMatchObject({ errors: 0, changes: { new: { files: 0 }, removed: { files: 0 } } });
    disk.unmount();
    const believed = await scan(catalog, path, { allowEmpty: true });
    expect(believed).toMatchObject({ errors: 0, changes: { removed: { files: 2 } } });
    await catalog.close();
  });

  test.each([
    '',
    'mounted',
  ])('nor is by the first scan of what is around a tree that was scanned by itself: %j', async (part) => {
    const root = temporaryDirectory();
    const disk = makeExt4In(root, 16);
    const mounted = parseBytePath(disk.path);
    writeFileSync(join(disk.path, 'a'), '');
    const catalog = await openCatalog(await newPlace(temporaryDirectory()), { create: true });
    await scan(catalog, parseBytePath(join(dirname(disk.path), part)));
    const before = await contents(catalog, mounted);
    disk.unmount();
    const found = await scan(catalog, parseBytePath(root));
    expect(found).toMatchObject({ isBaseline: true, unreadableDirectories: 1 });
    expect(await contents(catalog, mounted)).toEqual(before);
    await catalog.close();
  });

  test('what stands in the place of a file system that was mounted is believed', async () => {
    const disk = makeExt4(16);
    const path = parseBytePath(dirname(disk.path));
    writeFileSync(join(disk.path, 'a'), '');
    const catalog = await openCatalog(await newPlace(temporaryDirectory()), { create: true });
    await scan(catalog, path);
    disk.unmount();
    writeFileSync(join(disk.path, 'b'), '');
    const found = await scan(catalog, path);
    expect(found).toMatchObject({ errors: 0, changes: { new: { files: 1 }, removed: { files: 1 } } });
    await catalog.close();
  });
});
