import {
  type BytePath,
  type Catalog,
  type ChangeFilter,
  displayPath,
  parseBytePath,
  type ScanFilter,
  type ScanRun,
} from '@filetracker/catalog';
import { describe, expect, onTestFinished, test } from 'vitest';
import { all, contents, inWords } from '../support/catalog-contents.js';
import { PackedTree } from '../support/packed-tree.js';

/** Makes new empty catalogs of one kind. */
export interface CatalogFactory {
  readonly kind: string;
  /** A new catalog; whatever it takes is taken back when the test has finished. */
  readonly create: () => Promise<Catalog>;
}

const EACCES = 13;
const ENOENT = 2;
const EIO = 5;

/** Records a tree as a scan of it does. */
export async function record(
  catalog: Catalog,
  tree: PackedTree,
  { below = '', root = tree.root }: { readonly below?: string; readonly root?: BytePath } = {},
): Promise<ScanRun> {
  const session = await catalog.beginScan({ root, source: 'scan' });
  for (const listings of tree.pack(below)) await session.record(listings);
  return session.finish();
}

/** What every implementation of Catalog promises. */
export function describeCatalog({ kind, create }: CatalogFactory): void {
  const open = async (): Promise<Catalog> => {
    const catalog = await create();
    onTestFinished(() => catalog.close());
    return catalog;
  };
  const wordsOf = async (catalog: Catalog, run: ScanRun) =>
    inWords(await all(catalog.changes({ scan: run.id })));

  describe(`${kind}: changes`, () => {
    test('the first scan is the base of the history and no change', async () => {
      const catalog = await open();
      const run = await record(
        catalog,
        new PackedTree('/data').file('a', { size: 5 }).file('d/b', { size: 7 }),
      );
      expect(run).toMatchObject({ isBaseline: true, errors: 0 });
      expect(run.totals).toEqual({ files: 2, directories: 1, bytes: 12, allocated: 4 * 4096 });
      expect(await all(catalog.changes())).toEqual([]);
    });

    test('an unchanged tree yields no change', async () => {
      const catalog = await open();
      const tree = new PackedTree('/data').file('a').file('d/b');
      await record(catalog, tree);
      const run = await record(catalog, tree);
      expect(run).toMatchObject({ isBaseline: false, changes: { new: { files: 0 }, removed: { files: 0 } } });
      expect(await all(catalog.changes())).toEqual([]);
      expect((await all(catalog.scans())).map(({ id }) => id)).toEqual([run.id, run.id - 1]);
    });

    test('new, modified and removed files are found with their sizes before and after', async () => {
      const catalog = await open();
      const tree = new PackedTree('/data').file('grows', { size: 10 }).file('d/goes', { size: 100 });
      await record(catalog, tree);
      tree.file('grows', { size: 25, mtime: 1_700_000_001 }).remove('d/goes').file('d/comes', { size: 7 });
      const run = await record(catalog, tree);
      expect(await wordsOf(catalog, run)).toEqual([
        'removed /data/d/goes',
        'new /data/d/comes',
        'modified /data/grows',
      ]);
      expect(run.changes).toMatchObject({
        new: { files: 1, bytes: 7 },
        modified: { files: 1, bytes: 15 },
        removed: { files: 1, bytes: 100 },
      });
      const [grown] = await all(catalog.changes({ kinds: ['modified'] }));
      expect(grown?.before?.size).toBe(10);
      expect(grown?.after?.size).toBe(25);
    });

    test('a size that changed while the modification time was put back is seen', async () => {
      const catalog = await open();
      const tree = new PackedTree('/data').file('same-size', { size: 4 }).file('other', { size: 4 });
      await record(catalog, tree);
      tree.file('same-size', { ctime: 1_700_000_009 }).file('other', { size: 5, ctime: 1_700_000_009 });
      expect(await wordsOf(catalog, await record(catalog, tree))).toEqual([
        'modified /data/other',
        'modified /data/same-size',
      ]);
    });

    test('blocks that a file system gives later are stored and not reported', async () => {
      const catalog = await open();
      const tree = new PackedTree('/data').file('a', { size: 9000, allocated: 0 });
      await record(catalog, tree);
      const run = await record(catalog, tree.file('a', { allocated: 12_288 }));
      expect(await wordsOf(catalog, run)).toEqual([]);
      expect(run.totals.allocated).toBe(12_288 + 4096);
    });

    test('a file replaced by a directory and back', async () => {
      const catalog = await open();
      const tree = new PackedTree('/data').file('x', { size: 3 });
      await record(catalog, tree);
      tree.remove('x').directory('x').file('x/inside', { size: 8 });
      expect(await wordsOf(catalog, await record(catalog, tree))).toEqual([
        'removed /data/x',
        'new /data/x',
        'new /data/x/inside',
      ]);
      const run = await record(catalog, tree.remove('x').file('x', { size: 3 }));
      expect(await wordsOf(catalog, run)).toEqual([
        'removed /data/x',
        'removed /data/x/inside',
        'new /data/x',
      ]);
      expect(run.totals).toMatchObject({ files: 1, directories: 0, bytes: 3 });
    });
  });

  describe(`${kind}: filters of changes`, () => {
    test('by scan, time, kind, subtree and size, alone and together', async () => {
      const catalog = await open();
      const tree = new PackedTree('/data').file('a/x', { size: 9000 });
      await record(catalog, tree);
      const first = await record(catalog, tree.file('a/b/new', { size: 5 }).file('a-b/new', { size: 7000 }));
      const second = await record(catalog, tree.move('a/x', 'a-b/x').remove('a/b'));
      const found = async (filter: ChangeFilter) => inWords(await all(catalog.changes(filter)));
      const moved = 'renamed /data/a/x -> /data/a-b/x';
      expect(await found({ scan: first.id, kinds: ['new'], minimumSize: 6000 })).toEqual([
        'new /data/a-b/new',
      ]);
      expect(await found({ scan: second.id })).toEqual(['removed /data/a/b', 'removed /data/a/b/new', moved]);
      expect(await found({ path: parseBytePath('/data/a'), kinds: ['renamed', 'new'] })).toEqual([
        'new /data/a/b',
        'new /data/a/b/new',
        moved,
      ]);
      expect(await found({ path: parseBytePath('/data/a-b/x') })).toEqual([moved]);
      expect(await found({ path: parseBytePath('/'), minimumSize: 6000 })).toEqual([
        'new /data/a-b/new',
        moved,
      ]);
      expect(await found({ until: first.startedAt })).toEqual([]);
      expect(await found({ since: second.finishedAt + 1 })).toEqual([]);
    });

    test('scans by path, newest first', async () => {
      const catalog = await open();
      const [one, two] = [new PackedTree('/data/one').file('a'), new PackedTree('/data/two').file('a')];
      for (const tree of [one, two, one]) await record(catalog, tree);
      const roots = async (filter: ScanFilter) => (await all(catalog.scans(filter))).map(({ root }) => root);
      expect(await roots({})).toEqual(['/data/one', '/data/two', '/data/one']);
      expect(await roots({ limit: 1 })).toEqual(['/data/one']);
      expect(await roots({ path: parseBytePath('/data/one/deep/inside') })).toEqual([
        '/data/one',
        '/data/one',
      ]);
      expect(await roots({ path: parseBytePath('/data'), limit: 2 })).toEqual(['/data/one', '/data/two']);
    });
  });

  describe(`${kind}: renames`, () => {
    test('a renamed file is one change, also when it was written meanwhile', async () => {
      const catalog = await open();
      const tree = new PackedTree('/data').file('a/old', { size: 3 });
      await record(catalog, tree);
      tree.directory('b').move('a/old', 'b/new').file('b/new', { size: 4, mtime: 1_700_000_002 });
      const run = await record(catalog, tree);
      expect(await wordsOf(catalog, run)).toEqual(['renamed /data/a/old -> /data/b/new', 'new /data/b']);
      expect(run.changes.renamed).toEqual({ files: 1, bytes: 4 });
    });

    test('everything below a renamed directory is renamed', async () => {
      const catalog = await open();
      const tree = new PackedTree('/data').file('d/e/f', { size: 3 });
      await record(catalog, tree);
      expect(await wordsOf(catalog, await record(catalog, tree.move('d', 'z')))).toEqual([
        'renamed /data/d -> /data/z',
        'renamed /data/d/e -> /data/z/e',
        'renamed /data/d/e/f -> /data/z/e/f',
      ]);
    });

    test('an inode number that is used again for another file is no rename', async () => {
      const catalog = await open();
      const tree = new PackedTree('/data').file('old', { inode: 77, born: 1_600_000_000 });
      await record(catalog, tree);
      tree.remove('old').file('new', { inode: 77, born: 1_600_000_100 });
      expect(await wordsOf(catalog, await record(catalog, tree))).toEqual([
        'removed /data/old',
        'new /data/new',
      ]);
    });
  });

  describe(`${kind}: what cannot be read`, () => {
    test('a directory that cannot be read deletes nothing', async () => {
      const catalog = await open();
      const tree = new PackedTree('/data').file('d/a', { size: 3 }).file('d/e/b', { size: 4 });
      await record(catalog, tree);
      const run = await record(catalog, tree.problem('d', { kind: 'unreadable', errno: EACCES }));
      expect(run).toMatchObject({ errors: 1, unreadableDirectories: 1, totals: { files: 2, bytes: 7 } });
      expect(await wordsOf(catalog, run)).toEqual([]);
      expect(await all(catalog.errors(run.id))).toEqual([
        { scan: run.id, path: parseBytePath('/data/d'), errno: EACCES },
      ]);
      const after = await record(catalog, tree.problem('d', undefined).remove('d/a'));
      expect(await wordsOf(catalog, after)).toEqual(['removed /data/d/a']);
    });

    test('a directory that was not entered keeps what is known of it', async () => {
      const catalog = await open();
      const tree = new PackedTree('/data').file('d/a', { size: 3 });
      await record(catalog, tree);
      const run = await record(catalog, tree.problem('d', { kind: 'notEntered', errno: 0 }));
      expect(run).toMatchObject({ errors: 0, totals: { files: 1 } });
      expect(await wordsOf(catalog, run)).toEqual([]);
    });

    test('an entry that could not be looked at stays, one that vanished goes', async () => {
      const catalog = await open();
      const tree = new PackedTree('/data').file('stays').file('goes').file('d/x');
      await record(catalog, tree);
      tree
        .problem('stays', { kind: 'unknown', errno: EIO })
        .problem('goes', { kind: 'vanished', errno: ENOENT });
      tree.problem('d', { kind: 'unknown', errno: EIO });
      const run = await record(catalog, tree);
      expect(await wordsOf(catalog, run)).toEqual(['removed /data/goes']);
      expect(run.errors).toBe(3);
    });

    test('a directory that vanished during the scan goes with all below it', async () => {
      const catalog = await open();
      const tree = new PackedTree('/data').file('d/a').file('d/e/b').file('c');
      await record(catalog, tree);
      const run = await record(catalog, tree.problem('d', { kind: 'unreadable', errno: ENOENT }));
      expect(run.totals).toMatchObject({ files: 1, directories: 0 });
      expect(run.changes).toMatchObject({ removed: { files: 2 }, removedDirectories: 2 });
    });
  });

  describe(`${kind}: sessions`, () => {
    test('an aborted scan leaves the catalog as it was', async () => {
      const catalog = await open();
      const tree = new PackedTree('/data').file('a');
      await record(catalog, tree);
      const before = await contents(catalog, tree.root);
      const session = await catalog.beginScan({ root: tree.root, source: 'scan' });
      for (const listings of tree.remove('a').file('b').pack()) await session.record(listings);
      await session.abort();
      expect(await contents(catalog, tree.root)).toEqual(before);
      expect(await all(catalog.scans())).toHaveLength(1);
    });

    test('nothing of a scan is seen before it has finished', async () => {
      const catalog = await open();
      const tree = new PackedTree('/data').file('a');
      const session = await catalog.beginScan({ root: tree.root, source: 'scan' });
      for (const listings of tree.pack()) await session.record(listings);
      expect(await catalog.directory(tree.root)).toBeUndefined();
      await session.finish();
      expect((await catalog.directory(tree.root))?.totals.files).toBe(1);
    });

    test('a preview tells the changes and records nothing', async () => {
      const catalog = await open();
      const tree = new PackedTree('/data').file('a', { size: 3 }).file('l1', { inode: 9, links: 2, size: 5 });
      tree.file('l2', { inode: 9, links: 2, size: 5 });
      const preview = async () => {
        const session = await catalog.beginScan({ root: tree.root, source: 'scan', isPreview: true });
        for (const listings of tree.pack()) await session.record(listings);
        return session.finish();
      };
      expect(await preview()).toMatchObject({ isBaseline: true, totals: { files: 3, bytes: 8 } });
      expect(await catalog.directory(tree.root)).toBeUndefined();
      await record(catalog, tree);
      tree.file('b', { size: 9 });
      expect((await preview()).changes.new).toEqual({ files: 1, bytes: 9 });
      expect((await catalog.directory(tree.root))?.totals.files).toBe(3);
    });

    test('a second scan of an overlapping root is refused while one runs', async () => {
      const catalog = await open();
      const session = await catalog.beginScan({ root: parseBytePath('/data'), source: 'scan' });
      await expect(
        catalog.beginScan({ root: parseBytePath('/data/x'), source: 'scan' }),
      ).rejects.toMatchObject({
        code: 'busy',
      });
      await session.abort();
      const next = await catalog.beginScan({ root: parseBytePath('/data/x'), source: 'scan' });
      await next.abort();
    });
  });

  describe(`${kind}: roots`, () => {
    test('a sibling whose name begins alike is never touched', async () => {
      const catalog = await open();
      await record(catalog, new PackedTree('/data/proj-1').file('a', { size: 3 }));
      await record(catalog, new PackedTree('/data/proj1').file('b', { size: 4 }));
      await record(catalog, new PackedTree('/data/proj').file('x', { size: 1 }));
      const run = await record(catalog, new PackedTree('/data/proj'));
      expect(await wordsOf(catalog, run)).toEqual(['removed /data/proj/x']);
      expect((await catalog.directory(parseBytePath('/data/proj-1')))?.totals.bytes).toBe(3);
      expect((await catalog.directory(parseBytePath('/data/proj1')))?.totals.bytes).toBe(4);
      expect(inWords(await all(catalog.changes({ path: parseBytePath('/data/proj1') })))).toEqual([]);
    });

    test('a scan inside a scanned tree brings the totals above it up to date', async () => {
      const catalog = await open();
      const tree = new PackedTree('/data').file('d/a', { size: 3 }).file('e/b', { size: 4 });
      await record(catalog, tree);
      tree.file('d/c', { size: 10 }).file('e/unseen', { size: 100 });
      await record(catalog, tree, { below: 'd', root: parseBytePath('/data/d') });
      expect((await catalog.directory(tree.root))?.totals).toMatchObject({ files: 3, bytes: 17 });
    });

    test('a tree that was scanned by itself becomes part of a larger one and keeps its history', async () => {
      const catalog = await open();
      const inner = new PackedTree('/data/inner').file('x', { size: 5 });
      await record(catalog, inner);
      const outer = new PackedTree('/data').file('inner/x', { size: 6 }).file('y', { size: 1 });
      const run = await record(catalog, outer);
      expect(run.totals).toMatchObject({ files: 2, directories: 1, bytes: 7 });
      expect(await wordsOf(catalog, run)).toEqual(['modified /data/inner/x']);
      expect((await catalog.directory(parseBytePath('/data/inner')))?.totals.bytes).toBe(6);
    });
  });

  describe(`${kind}: sizes`, () => {
    test('hard links are counted once, whichever of the names goes', async () => {
      const catalog = await open();
      const link = { inode: 42, size: 1000, links: 3 };
      const tree = new PackedTree('/data').file('a/1', link).file('b/2', link).file('c/3', link);
      expect((await record(catalog, tree)).totals).toMatchObject({ files: 3, bytes: 1000 });
      tree.remove('a').file('b/2', { links: 2 }).file('c/3', { links: 2 });
      expect((await record(catalog, tree)).totals).toMatchObject({ files: 2, bytes: 1000 });
      tree.remove('b').file('c/3', { links: 1 });
      expect((await record(catalog, tree)).totals).toMatchObject({ files: 1, bytes: 1000 });
      expect((await record(catalog, tree.remove('c'))).totals).toMatchObject({ files: 0, bytes: 0 });
    });

    test('listings may come in any order', async () => {
      const catalog = await open();
      const tree = new PackedTree('/data')
        .file('a/b/c/d', { size: 3 })
        .file('a/x', { size: 4 })
        .file('y', { size: 5 });
      const session = await catalog.beginScan({ root: tree.root, source: 'scan' });
      for (const path of ['a/b/c', 'a/b', 'a', '']) {
        // Each pack shows its whole subtree; what was shown before is unreadable then, and keeps its content.
        for (const listings of tree.pack(path)) await session.record(listings);
        if (path !== '') tree.problem(path, { kind: 'notEntered', errno: 0 });
      }
      const run = await session.finish();
      expect(run.totals).toMatchObject({ files: 3, directories: 3, bytes: 12 });
      expect((await catalog.directory(parseBytePath('/data/a')))?.totals).toMatchObject({
        files: 2,
        bytes: 7,
      });
    });

    test('a directory of 60,000 files is compared in bounded memory', async () => {
      const catalog = await open();
      const tree = new PackedTree('/data');
      const name = (n: number) => `big/file-${String(n * 7919).padStart(9, '0')}`;
      for (let n = 0; n < 60_000; n++) tree.file(name(n), { size: 1 });
      tree.directory('big/sub').file('big/sub/x');
      expect((await record(catalog, tree)).totals).toMatchObject({
        files: 60_001,
        directories: 2,
        bytes: 60_000,
      });
      const same = await record(catalog, tree);
      expect(await wordsOf(catalog, same)).toEqual([]);
      for (let n = 0; n < 60_000; n += 20_000) tree.file(name(n), { size: 2, mtime: 1_700_000_003 });
      tree.file('big/file-0', { size: 5 }).file('big/zz', { size: 6 }).remove(name(59_999)).remove('big/sub');
      const run = await record(catalog, tree);
      expect(run.changes).toMatchObject({
        new: { files: 2, bytes: 11 },
        modified: { files: 3, bytes: 3 },
        removed: { files: 2, bytes: 1 },
        removedDirectories: 1,
      });
      expect(run.totals).toMatchObject({ files: 60_001, directories: 1, bytes: 60_013 });
      const known = await all(catalog.files(parseBytePath('/data/big')));
      expect(known.map(({ path }) => displayPath(path))).toEqual(
        known.map(({ path }) => displayPath(path)).toSorted(),
      );
      expect(known).toHaveLength(60_001);
    });
  });

  describe(`${kind}: bytes and numbers survive`, () => {
    test('names of any bytes', async () => {
      const catalog = await open();
      const names = [
        "it's",
        'a"b',
        'tab\there',
        'line\nbreak',
        'back\\slash',
        '100%',
        '漢字',
        '🦀',
        '-rf',
        ' ',
      ];
      const tree = new PackedTree('/data/with space-and-hyphen');
      for (const name of names) tree.file(name).file(`dir ${name}/${name}`);
      await record(catalog, tree);
      const { files } = await contents(catalog, tree.root);
      const shown = files.map(({ name }) => Buffer.from(name, 'latin1').toString('utf8')).sort();
      expect(shown).toEqual([...names, ...names].sort());
    });

    test('times before 1970 and after 2038, nanoseconds apart, and large sizes', async () => {
      const catalog = await open();
      const tree = new PackedTree('/data')
        .file('old', { mtime: -86_400, size: 2 ** 52 })
        .file('far', { mtime: 2 ** 33, size: 2 ** 40 });
      await record(catalog, tree);
      const [far, old] = await all(catalog.files(tree.root));
      expect(far).toMatchObject({ mtimeNs: 2n ** 33n * 1_000_000_000n, size: 2 ** 40 });
      expect(old).toMatchObject({ mtimeNs: -86_400_000_000_000n, size: 2 ** 52 });
    });
  });
}
