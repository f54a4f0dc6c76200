import {
  type BytePath,
  type Catalog,
  type Mutation,
  parseBytePath,
  type RecordedBatch,
  type WatchRecorder,
} from '@filetracker/catalog';
import { describe, expect, onTestFinished, test } from 'vitest';
import { all, contents, inWords } from '../support/catalog-contents.js';
import { kept, replay } from '../support/mutation-replay.js';
import { PackedTree } from '../support/packed-tree.js';
import { record } from './catalog/recording.js';
import type { CatalogFactory } from './catalog-suite.js';

const ENOENT = 2;
const EACCES = 13;

/** What every implementation of WatchRecorder promises. */
export function describeWatchRecorder({ kind, create }: CatalogFactory): void {
  /** A catalog that has a tree, and a recorder for it. */
  const watching = async (tree: PackedTree, root = tree.root) => {
    const catalog = await create();
    onTestFinished(() => catalog.close());
    await record(catalog, tree);
    const recorder = await catalog.beginWatch({ root, metadata: { by: 'test' } });
    onTestFinished(() => recorder.close());
    return { catalog, recorder };
  };
  const batch = async (recorder: WatchRecorder, ...listings: Uint8Array[][]): Promise<RecordedBatch> => {
    const open = await recorder.beginBatch();
    for (const packed of listings.flat()) await open.record(packed);
    return open.commit();
  };
  const mutationsOf = async (catalog: Catalog, { after, cursor }: RecordedBatch): Promise<Mutation[]> =>
    all(catalog.mutations({ after, upTo: cursor }));
  /** What a scan of the same tree would have left. */
  const scanned = async (tree: PackedTree) => {
    const fresh = await create();
    onTestFinished(() => fresh.close());
    await record(fresh, tree);
    return contents(fresh, tree.root);
  };

  describe(`${kind}: batches of a watch`, () => {
    test('a shallow look at what changed gives the same catalog as a scan, with totals up to the root', async () => {
      const tree = new PackedTree('/data')
        .file('a/b/old', { size: 5 })
        .file('a/gone', { size: 70 })
        .file('z');
      const { catalog, recorder } = await watching(tree);
      tree.file('a/b/old', { size: 9 }).file('a/b/new', { size: 100 }).remove('a/gone');
      const done = await batch(recorder, tree.list('a', 'a/b'));
      expect(done.totals).toMatchObject({ files: 3, directories: 2, bytes: 109 });
      expect(done.changes).toMatchObject({
        new: { files: 1, bytes: 100 },
        modified: { files: 1, bytes: 4 },
        removed: { files: 1, bytes: 70 },
      });
      expect(inWords(await mutationsOf(catalog, done))).toEqual([
        'removed /data/a/gone',
        'new /data/a/b/new',
        'modified /data/a/b/old',
      ]);
      expect(await contents(catalog, tree.root)).toEqual(await scanned(tree));
    });

    test('all batches of a watcher are one run, up to date after each; a watch that saw nothing is none', async () => {
      const tree = new PackedTree('/data').file('d/a', { size: 1 });
      const { catalog, recorder } = await watching(tree);
      expect(await batch(recorder, tree.list('', 'd'))).toMatchObject({ run: undefined, stale: [] });
      expect(await all(catalog.scans())).toHaveLength(1);
      const first = await batch(recorder, tree.file('d/b', { size: 10 }).list('d'));
      const second = await batch(recorder, tree.file('c', { size: 100 }).remove('d/a').list('', 'd'));
      expect(second.run).toBe(first.run);
      expect(second.recordedAt).toBeGreaterThan(first.recordedAt);
      const [run, ...others] = await all(catalog.scans());
      expect(run).toMatchObject({
        id: first.run,
        source: 'watch',
        isBaseline: false,
        finishedAt: second.recordedAt,
        metadata: { by: 'test' },
        totals: { files: 2, bytes: 110 },
        changes: { new: { files: 2, bytes: 110 }, removed: { files: 1, bytes: 1 } },
      });
      expect(others).toHaveLength(1);
      expect(inWords(await all(catalog.changes({ scan: run?.id ?? 0 })))).toEqual([
        'new /data/d/b',
        'removed /data/d/a',
        'new /data/c',
      ]);
    });

    test('an aborted batch leaves nothing, and the next one records all', async () => {
      const tree = new PackedTree('/data').file('a', { size: 1 });
      const { catalog, recorder } = await watching(tree);
      const before = await contents(catalog, tree.root);
      const open = await recorder.beginBatch();
      for (const packed of tree.file('b', { size: 2 }).list('')) await open.record(packed);
      await open.abort();
      expect(await contents(catalog, tree.root)).toEqual(before);
      expect(await catalog.mutationCursor()).toBe((await all(catalog.mutations())).at(-1)?.sequence);
      expect((await batch(recorder, tree.list(''))).changes.new).toEqual({ files: 1, bytes: 2 });
    });

    test('a renamed file is one mutation with both names', async () => {
      const tree = new PackedTree('/data').file('a/x', { size: 3 }).directory('b');
      const { catalog, recorder } = await watching(tree);
      const done = await batch(recorder, tree.move('a/x', 'b/y').list('a', 'b'));
      expect(inWords(await mutationsOf(catalog, done))).toEqual(['renamed /data/a/x -> /data/b/y']);
    });

    test('permissions of a directory that change alone are told', async () => {
      const tree = new PackedTree('/data').file('d/x');
      const { catalog, recorder } = await watching(tree);
      const done = await batch(recorder, tree.directory('d', { mode: 0o040700 }).list('d'));
      expect(inWords(await mutationsOf(catalog, done))).toEqual(['modified /data/d']);
    });

    test('a new directory is named as unknown until its own listing has come', async () => {
      const tree = new PackedTree('/data').file('d/a');
      const { catalog, recorder } = await watching(tree);
      tree.file('d/new/deep/x', { size: 4 });
      const open = await recorder.beginBatch();
      const shallow = tree.list('d');
      for (const packed of shallow) await open.record(packed);
      expect(await open.unknownSubdirectories(shallow)).toEqual(['/data/d/new']);
      for (const packed of tree.pack('d/new')) await open.record(packed);
      expect(await open.unknownSubdirectories(shallow)).toEqual([]);
      await open.commit();
      expect(await contents(catalog, tree.root)).toEqual(await scanned(tree));
    });

    test('a directory that vanished goes with all below it; one that cannot be read keeps its content', async () => {
      const tree = new PackedTree('/data').file('d/e/f', { size: 3 }).file('locked/x', { size: 5 });
      const { catalog, recorder } = await watching(tree);
      tree.problem('d/e', { kind: 'unreadable', errno: ENOENT });
      tree.problem('locked', { kind: 'unreadable', errno: EACCES });
      const done = await batch(recorder, tree.list('d/e', 'locked'));
      expect(done.totals).toMatchObject({ files: 1, directories: 2, bytes: 5 });
      expect(await batch(recorder, tree.list('locked'))).toMatchObject({ run: done.run });
      expect((await all(catalog.scans()))[0]).toMatchObject({ errors: 1 });
      expect(await all(catalog.errors(done.run ?? 0))).toMatchObject([
        { path: '/data/locked', errno: EACCES },
      ]);
    });

    test('what a listing finds gone stays gone in its batch, though it may be there again when it is read', async () => {
      const tree = new PackedTree('/data').file('d/x/f').file('d/y/deep/f').file('d/z/f');
      const { catalog, recorder } = await watching(tree);
      const again = tree.file('d/x/new').file('d/y/deep/new').list('d/x', 'd/y/deep');
      tree.remove('d/x').file('d/x').remove('d/y');
      const done = await batch(recorder, tree.list('d'), again);
      expect(inWords(await mutationsOf(catalog, done)).toSorted()).toEqual([
        'new /data/d/x',
        'removed /data/d/x',
        'removed /data/d/x/f',
        'removed /data/d/y',
        'removed /data/d/y/deep',
        'removed /data/d/y/deep/f',
      ]);
      expect(await contents(catalog, tree.root)).toEqual(await scanned(tree));
    });

    test('a new directory that vanishes while its parts come is told as new and then as removed', async () => {
      const tree = new PackedTree('/data').file('d/a');
      const { catalog, recorder } = await watching(tree);
      const [before, cursor] = [await kept(catalog, tree.root), await catalog.mutationCursor()];
      // More names than the parts of a listing take together.
      for (let n = 0; n < 12_500; n++) tree.file(`d/new/${String(n).padStart(250, '-')}`);
      tree.problem('d/new', { kind: 'unreadable', errno: ENOENT, isLate: true });
      await batch(recorder, tree.list('d', 'd/new'));
      expect(await replay(new Map(before), catalog, cursor)).toEqual(await kept(catalog, tree.root));
      await batch(recorder, tree.remove('d/new').list('d'));
      expect(await contents(catalog, tree.root)).toEqual(await scanned(tree));
      expect(await replay(new Map(before), catalog, cursor)).toEqual(await kept(catalog, tree.root));
    });

    test('nothing is locked between batches: scans and other watches take turns, each change is recorded once', async () => {
      const tree = new PackedTree('/data').file('a', { size: 1 });
      const { catalog, recorder } = await watching(tree);
      const other = await catalog.beginWatch({ root: tree.root });
      onTestFinished(() => other.close());
      const open = await recorder.beginBatch();
      await expect(other.beginBatch()).rejects.toMatchObject({ code: 'busy' });
      await open.abort();
      tree.file('b', { size: 2 });
      expect((await record(catalog, tree)).changes.new.files).toBe(1);
      expect((await batch(recorder, tree.list(''))).changes.new.files).toBe(0);
      expect((await batch(other, tree.file('c').list(''))).changes.new.files).toBe(1);
      expect((await record(catalog, tree)).changes.new.files).toBe(0);
    });
  });

  describe(`${kind}: hard links in a watched tree`, () => {
    const link = (spec: { links: number; size?: number; ctime?: number }) => ({
      inode: 77,
      size: 50,
      ...spec,
    });

    test('a change through one name tells where the other names are', async () => {
      const tree = new PackedTree('/data').file('a/x', link({ links: 2 })).file('b/y', link({ links: 2 }));
      const { recorder } = await watching(tree);
      const changed = link({ links: 2, size: 80, ctime: 1_700_000_009 });
      tree.file('a/x', changed).file('b/y', changed);
      const done = await batch(recorder, tree.list('b'));
      expect(done.stale).toContain('/data/a');
      const next = await batch(recorder, tree.list(...done.stale.map((path) => path.slice('/data/'.length))));
      expect(next).toMatchObject({ stale: [], totals: { files: 2, bytes: 80 } });
    });

    test('a second name finds the first, which no event tells of', async () => {
      const tree = new PackedTree('/data').file('a/x', link({ links: 1 })).directory('b');
      const { catalog, recorder } = await watching(tree);
      const changed = link({ links: 2, ctime: 1_700_000_009 });
      tree.file('a/x', changed).file('b/y', changed);
      const done = await batch(recorder, tree.list('b'));
      expect(done.stale).toContain('/data/a');
      await batch(recorder, tree.list('a', 'b'));
      expect(await contents(catalog, tree.root)).toEqual(await scanned(tree));
    });

    test('the last name but one that goes leaves the other to be looked at', async () => {
      const tree = new PackedTree('/data').file('a/x', link({ links: 2 })).file('b/y', link({ links: 2 }));
      const { catalog, recorder } = await watching(tree);
      tree.remove('b/y').file('a/x', link({ links: 1, ctime: 1_700_000_009 }));
      const done = await batch(recorder, tree.list('b'));
      expect(done.stale).toEqual(['/data/a']);
      const next = await batch(recorder, tree.list('a'));
      expect(next.totals).toMatchObject({ files: 1, bytes: 50 });
      expect(await contents(catalog, tree.root)).toEqual(await scanned(tree));
    });
  });

  describe(`${kind}: what a watch asks`, () => {
    test('every directory below the root with its times, parents first, and no sibling', async () => {
      const tree = new PackedTree('/data')
        .file('w/a/b/c')
        .file('w-1/x')
        .directory('w', { mtime: 1_700_000_005 });
      const { recorder } = await watching(tree, parseBytePath('/data/w'));
      const found = (await all(recorder.directories())).flat();
      expect(found.map(({ path }) => path)).toEqual(['/data/w', '/data/w/a', '/data/w/a/b']);
      expect(found[0]).toMatchObject({ device: 2049, mtimeNs: 1_700_000_005_000_000_000n });
    });

    test('directories that differ from the catalog, and those that it does not know', async () => {
      const tree = new PackedTree('/data').file('same/x').file('other/y').file('gone/z');
      const { recorder } = await watching(tree);
      tree.file('other/y', { size: 3 }).file('new/n').problem('same', { kind: 'unreadable', errno: EACCES });
      const found = (await Promise.all(tree.pack().map((packed) => recorder.differing(packed)))).flat();
      expect(found.toSorted()).toEqual(['/data', '/data/new', '/data/other']);
    });

    test('which mount points have files in them, below the root alone', async () => {
      const there = { device: 2050 };
      const tree = new PackedTree('/data')
        .directory('w/disk/d', there)
        .directory('w/disk', there)
        .file('w/disk/d/x', there)
        .directory('w/empty', { device: 2051 })
        .file('w/plain/x')
        .directory('disk', there)
        .file('disk/x', there);
      const { catalog, recorder } = await watching(tree, parseBytePath('/data/w'));
      expect(await recorder.knownMounts()).toEqual(['/data/w/disk']);
      await batch(recorder, tree.remove('w/disk/d').list('w/disk'));
      expect(await recorder.knownMounts()).toEqual([]);
      const inside = await catalog.beginWatch({ root: parseBytePath('/data/disk') });
      onTestFinished(() => inside.close());
      expect(await inside.knownMounts()).toEqual([]);
    });

    test('the nearest known place of a path, and whether it has been read', async () => {
      const tree = new PackedTree('/data').file('w/a/x').file('w-1/x').problem('w/closed', {
        kind: 'notEntered',
        errno: 0,
      });
      tree.directory('w/closed');
      const { recorder } = await watching(tree, parseBytePath('/data/w'));
      const at = async (path: string) => (await recorder.nearestKnown([path as BytePath]))[0];
      expect(await at('/data/w/a')).toEqual({ path: '/data/w/a', isRead: true });
      expect(await at('/data/w/a/new/deeper')).toEqual({ path: '/data/w/a', isRead: true });
      expect(await at('/data/w/closed/in')).toEqual({ path: '/data/w/closed', isRead: false });
      expect(await at('/data/w-1')).toBeUndefined();
    });
  });

  describe(`${kind}: the log that followers read`, () => {
    test('changes one by one, scans as one, gaps in front of what is found after them', async () => {
      const tree = new PackedTree('/data').file('d/a', { size: 1 });
      const { catalog, recorder } = await watching(tree);
      const open = await recorder.beginBatch();
      await open.recordGap(tree.root);
      for (const packed of tree.file('d/b', { size: 2 }).list('d')) await open.record(packed);
      const done = await open.commit();
      await record(catalog, tree.file('d/c', { size: 4 }));
      await record(catalog, tree);
      const found = await all(catalog.mutations());
      expect(inWords(found)).toEqual(['scan /data', 'gap /data', 'new /data/d/b', 'scan /data']);
      expect(found.map(({ after }) => after?.size)).toEqual([undefined, undefined, 2, undefined]);
      expect(found.every(({ sequence }, n) => n === 0 || sequence > (found[n - 1]?.sequence ?? 0))).toBe(
        true,
      );
      expect(await catalog.mutationCursor()).toBe(found.at(-1)?.sequence);
      expect((await mutationsOf(catalog, done)).map(({ kind: what }) => what)).toEqual(['gap', 'new']);
    });

    test('filters: behind a cursor, by time, kind and subtree', async () => {
      const tree = new PackedTree('/data').file('d/a').file('d-1/a').file('e/x');
      const { catalog, recorder } = await watching(tree);
      const one = await batch(recorder, tree.file('d/b').file('d-1/b').list('d', 'd-1'));
      const two = await batch(recorder, tree.move('e/x', 'd/x').list('d', 'e'));
      const found = async (filter: Parameters<Catalog['mutations']>[0]) =>
        inWords(await all(catalog.mutations(filter)));
      const moved = 'renamed /data/e/x -> /data/d/x';
      expect(await found({ after: one.cursor })).toEqual([moved]);
      expect(await found({ since: two.recordedAt })).toEqual([moved]);
      expect(await found({ kinds: ['scan'] })).toEqual(['scan /data']);
      expect(await found({ path: parseBytePath('/data/d') })).toEqual(['scan /data', 'new /data/d/b', moved]);
      expect(await found({ path: parseBytePath('/data/e'), kinds: ['renamed', 'new'] })).toEqual([moved]);
      expect(await found({ path: parseBytePath('/dat') })).toEqual([]);
    });
  });
}
