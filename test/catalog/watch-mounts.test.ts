import { mkdirSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { type BytePath, openCatalog, parseBytePath, reconcile, scan } from '@filetracker/catalog';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { KnownMounts } from '#catalog/watch/known-mounts.js';
import { recordBatch } from '#catalog/watch/record-batch.js';
import { TreeReader } from '#catalog/watch/tree-reader.js';
import { all, contents, inWords } from '../support/catalog-contents.js';
import { DATABASES, type DatabaseKind } from '../support/databases.js';
import { makeExt4In } from '../support/file-systems.js';
import { PATIENTLY } from '../support/patiently.js';
import { isRoot } from '../support/root.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { WatchProcess } from '../support/watch-process.js';
import { lastDifferences, watchWorkplace } from '../support/watched-tree.js';

const FAST = ['--settle', '20ms', '--max-delay', '200ms', '--poll-interval', '100ms'];
const NOT_MOUNTED = 'no such device; is it mounted?';

/** A tree with a disk in it. */
async function diskWorkplace({ newPlace }: Partial<Pick<DatabaseKind, 'newPlace'>> = {}) {
  const { place, root, path } = await watchWorkplace();
  const disk = makeExt4In(root, 16);
  mkdirSync(join(disk.path, 'd'));
  for (const name of ['a', 'd/b']) writeFileSync(join(disk.path, name), name);
  const database = await (newPlace?.(temporaryDirectory()) ?? join(place, 'disk.db'));
  const catalog = await openCatalog(database, { create: true });
  onTestFinished(() => catalog.close());
  const mounted = parseBytePath(disk.path);
  return { root, path, disk, mounted, database, catalog };
}

describe.runIf(isRoot)('a file system below the root that is not mounted any more', () => {
  const ways = [
    { backend: 'fanotify', kind: 'SQLite' },
    { backend: 'inotify', kind: 'SQLite' },
    { backend: 'poll', kind: 'SQLite' },
    { backend: 'auto', kind: 'PostgreSQL' },
  ] as const;

  test.each(
    ways,
  )('keeps what is known of it, which is told, and is followed when it is back: $backend, $kind', async ({
    backend,
    kind,
  }) => {
    const { newPlace } = DATABASES.find((database) => database.kind === kind) ?? {};
    const { root, path, disk, mounted, database, catalog } = await diskWorkplace(newPlace && { newPlace });
    const watching = new WatchProcess(root, database, { flags: [...FAST, '--backend', backend] });
    await watching.started();
    const before = await contents(catalog, mounted);
    disk.unmount();
    const example = { path: disk.path, reason: NOT_MOUNTED };
    const missing = await watching.line({ kind: 'unreadable', path: disk.path, directories: 1 });
    expect(missing).toMatchObject({ example });
    writeFileSync(join(root, 'meanwhile'), '');
    await expect.poll(() => all(catalog.files(path)), PATIENTLY).toHaveLength(1);
    await expect
      .poll(async () => all(catalog.errors((await all(catalog.scans()))[0]?.id ?? 0)), PATIENTLY)
      .toMatchObject([{ path: mounted, errno: constants.errno.ENODEV }]);
    expect(await contents(catalog, mounted)).toEqual(before);
    expect(watching.lines.filter(({ kind: what }) => what === 'unreadable')).toEqual([missing]);
    const told = watching.lines.length;
    await watching.whileStopped(() => {
      disk.mount();
      writeFileSync(join(disk.path, 'd', 'unseen'), '');
    });
    await watching.line({ kind: 'unreadable', path: disk.path, directories: 0 }, told);
    expect(await lastDifferences(catalog, path)).toEqual([]);
    writeFileSync(join(disk.path, 'd', 'seen'), '');
    expect(await lastDifferences(catalog, path)).toEqual([]);
    expect(inWords(await all(catalog.mutations({ kinds: ['new', 'removed', 'renamed'] })))).toEqual([
      `new ${root}/meanwhile`,
      `new ${disk.path}/d/unseen`,
      `new ${disk.path}/d/seen`,
    ]);
    await watching.end('SIGINT');
  });

  test('is empty for a watch too when somebody has the catalog believe it', async () => {
    const { root, path, disk, mounted, database, catalog } = await diskWorkplace();
    const watching = new WatchProcess(root, database, { flags: FAST });
    await watching.started();
    disk.unmount();
    await watching.line({ kind: 'unreadable', path: disk.path, directories: 1 });
    await reconcile(catalog, mounted, { allowEmpty: true });
    await watching.line({ kind: 'unreadable', path: disk.path, directories: 0 });
    expect(await lastDifferences(catalog, path)).toEqual([]);
    await watching.end('SIGINT');
  });

  test.each([
    'none',
    'directories',
    'saved',
  ])('keeps it also when a watch begins then, with --trust %s', async (trust) => {
    const { root, path, disk, mounted, database, catalog } = await diskWorkplace();
    await scan(catalog, path);
    const before = await contents(catalog, mounted);
    disk.unmount();
    const watching = new WatchProcess(root, database, { flags: [...FAST, '--trust', trust] });
    await watching.line({ kind: 'unreadable', path: disk.path, directories: 1 });
    expect(await watching.started()).toMatchObject({ changedDirectories: 0 });
    await expect.poll(async () => (await all(catalog.scans()))[0]?.errors, PATIENTLY).toBe(1);
    expect(await contents(catalog, mounted)).toEqual(before);
    const told = watching.lines.length;
    disk.mount();
    writeFileSync(join(disk.path, 'new'), '');
    await watching.line({ kind: 'unreadable', path: disk.path, directories: 0 }, told);
    expect(await lastDifferences(catalog, path)).toEqual([]);
    await watching.end('SIGINT');
  });

  test.each([
    'fanotify',
    'inotify',
    'poll',
  ])('is believed with --allow-empty, where something stands in its place, and where no file was in it: %s', async (backend) => {
    const { root, path, disk, database, catalog } = await diskWorkplace();
    const empty = makeExt4In(root, 16);
    const flags = [...FAST, '--backend', backend];
    const first = new WatchProcess(root, database, { flags });
    await first.started();
    empty.unmount();
    expect(await lastDifferences(catalog, path)).toEqual([]);
    disk.unmount();
    await first.line({ kind: 'unreadable', path: disk.path, directories: 1 });
    writeFileSync(join(disk.path, 'instead'), '');
    expect(await lastDifferences(catalog, path)).toEqual([]);
    await first.end('SIGINT');
    disk.mount();
    const second = new WatchProcess(root, database, { flags: [...flags, '--allow-empty'] });
    await second.started();
    expect(await lastDifferences(catalog, path)).toEqual([]);
    disk.unmount();
    // What stood there before it was mounted again.
    expect(await lastDifferences(catalog, path)).toEqual([]);
    await second.end('SIGINT');
  });
});

describe.runIf(isRoot).each(['fanotify', 'inotify'])('a file system that is mounted again: %s', (backend) => {
  const flags = [...FAST, '--backend', backend];

  test.each([
    'tree',
    'disk',
  ] as const)('is followed also where the watch gets no turn meanwhile: the %s', async (which) => {
    const { root, path, disk, mounted, database, catalog } = await diskWorkplace();
    const [watched, known] = which === 'tree' ? [root, path] : [disk.path, mounted];
    const watching = new WatchProcess(watched, database, { flags });
    await watching.started();
    await watching.whileStopped(() => {
      disk.unmount();
      disk.mount();
    });
    await watching.line({ kind: 'gap' });
    expect(await lastDifferences(catalog, known)).toEqual([]);
    writeFileSync(join(disk.path, 'd', 'new'), '');
    expect(await lastDifferences(catalog, known)).toEqual([]);
    await watching.end('SIGINT');
  });

  test('in another place is followed there', async () => {
    const { root, path, disk, database, catalog } = await diskWorkplace();
    const other = join(root, 'other');
    mkdirSync(other);
    const watching = new WatchProcess(root, database, { flags });
    await watching.started();
    writeFileSync(join(disk.path, 'd', 'b'), 'more');
    expect(await lastDifferences(catalog, path)).toEqual([]);
    disk.unmount();
    await watching.line({ kind: 'unreadable', path: disk.path, directories: 1 });
    disk.mount(other);
    const parts = async (name: string) => (await all(catalog.files(parseBytePath(join(other, name))))).length;
    await expect.poll(() => parts('d'), PATIENTLY).toBe(1);
    writeFileSync(join(other, 'd', 'c'), '');
    await expect.poll(() => parts('d'), PATIENTLY).toBe(2);
    await watching.end('SIGINT');
  });
});

describe.runIf(isRoot).each(DATABASES)(
  'a file system that is not mounted any more: $kind',
  ({ newPlace }) => {
    test('is no difference to reconcile, which says so, unless it is told to believe it', async () => {
      const { path, disk, mounted, catalog } = await diskWorkplace({ newPlace });
      await scan(catalog, path);
      disk.unmount();
      for (const isFull of [false, true]) {
        const onUnreadable = vi.fn();
        expect(await reconcile(catalog, path, { isFull, onUnreadable })).toBeUndefined();
        expect(onUnreadable).toHaveBeenCalledExactlyOnceWith(
          expect.objectContaining({ count: 1, example: { path: mounted, reason: NOT_MOUNTED } }),
        );
        await expect(reconcile(catalog, mounted, { isFull })).rejects.toMatchObject({ code: 'implausible' });
      }
      const run = await reconcile(catalog, mounted, { allowEmpty: true });
      expect(inWords(await all(catalog.changes({ scan: run ?? 0 }))).toSorted()).toEqual(
        ['a', 'd', 'd/b', 'lost+found'].map((name) => `removed ${mounted}/${name}`),
      );
      expect(await reconcile(catalog, path, { isFull: true })).toBeUndefined();
    });

    /** What a batch of a watch of a tree is made with, and which mounts the catalog knew at its start. */
    const batchSetting = async ({ catalog, path }: Awaited<ReturnType<typeof diskWorkplace>>) => {
      const scope = { root: path, exclusions: [], oneFileSystem: false, followMounts: false, maxDepth: 9 };
      const reader = new TreeReader(scope, new Set());
      const recorder = await catalog.beginWatch({ root: path });
      onTestFinished(() => recorder.close());
      const mounts = new KnownMounts(catalog, reader);
      const known = await mounts.learn(recorder);
      return { known, setting: { root: path, recorder, reader, mounts, checkRoot: () => {} } };
    };

    test('takes nothing away where it goes while it is read', async () => {
      const workplace = await diskWorkplace({ newPlace });
      const { path, disk, mounted, catalog } = workplace;
      await scan(catalog, path);
      const before = await contents(catalog, mounted);
      const { known, setting } = await batchSetting(workplace);
      expect(known).toEqual([mounted]);
      const { reader, mounts } = setting;
      const read = reader.read.bind(reader);
      vi.spyOn(reader, 'read').mockImplementation(function* (places: Iterable<BytePath>) {
        // Between two directories: one that is open would keep it mounted.
        for (const place of places) {
          yield* read([place]);
          if (place === mounted && mounts.lastMissing.size === 0) disk.unmount();
        }
      });
      const places = { entries: [mounted, parseBytePath(join(disk.path, 'd'))], trees: [] };
      expect(await recordBatch(setting, places)).toMatchObject({ changes: { removed: { files: 0 } } });
      expect(mounts.lastMissing).toEqual(new Set([mounted]));
      expect(await contents(catalog, mounted)).toEqual(before);
    });

    test('takes nothing away where a batch was the first to find it mounted', async () => {
      const workplace = await diskWorkplace({ newPlace });
      const { path, disk, mounted, catalog } = workplace;
      disk.unmount();
      await scan(catalog, path);
      const { known, setting } = await batchSetting(workplace);
      expect(known).toEqual([]);
      disk.mount();
      const places = { entries: [mounted], trees: [] };
      expect(await recordBatch(setting, places)).toMatchObject({ changes: { new: { files: 2 } } });
      disk.unmount();
      expect(await recordBatch(setting, places)).toMatchObject({ changes: { removed: { files: 0 } } });
    });
  },
);
