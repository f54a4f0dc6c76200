import { displayPath, parseBytePath } from '@filetracker/catalog';
import { describe, expect, test } from 'vitest';
import { all } from '../../support/catalog-contents.js';
import { PackedTree } from '../../support/packed-tree.js';
import { type OpenCatalog, record, wordsOf } from './recording.js';

/** Sums and very large directories. */
export function describeSizes(open: OpenCatalog): void {
  describe('sizes', () => {
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

    test('files of two devices are two, whatever the numbers of their inodes', async () => {
      const catalog = await open();
      const [here, there] = [{ device: 2049 }, { device: 2050 }];
      const tree = new PackedTree('/data').directory('there', there);
      tree.file('here', { ...here, inode: 42, size: 1000, links: 2 });
      tree.file('there/too', { ...there, inode: 42, size: 500, links: 2 });
      tree.file('gone', { ...here, inode: 43, size: 7 });
      expect((await record(catalog, tree)).totals.bytes).toBe(1507);
      const run = await record(
        catalog,
        tree.remove('gone').file('there/new', { ...there, inode: 43, size: 7 }),
      );
      expect(await wordsOf(catalog, run)).toEqual(['removed /data/gone', 'new /data/there/new']);
    });

    test('where another name counts for a file, the history says so, and nobody is told of a change', async () => {
      const catalog = await open();
      const tree = new PackedTree('/data').file('a/1', { inode: 42, size: 1000 });
      await record(catalog, tree);
      tree.file('a/1', { links: 2 }).file('b/2', { inode: 42, size: 1000, links: 2 });
      await record(catalog, tree);
      const run = await record(catalog, tree.move('a', 'z'));
      expect(await wordsOf(catalog, run)).toEqual([
        'renamed /data/a -> /data/z',
        'renamed /data/a/1 -> /data/z/1',
      ]);
      expect(run).toMatchObject({
        totals: { bytes: 1000 },
        changes: { renamed: { files: 1, bytes: 1000 }, modified: { files: 0, bytes: 0 } },
      });
      const counts = (await all(catalog.changes({ scan: run.id, withRecounts: true })))
        .filter(({ path }) => !path.endsWith('z'))
        .map(({ kind, path, before, after, isRecount }) => [
          isRecount ? 'recounted' : kind,
          displayPath(path),
          before?.isCounted,
          after?.isCounted,
        ]);
      expect(counts).toEqual([
        ['renamed', '/data/z/1', true, false],
        ['recounted', '/data/b/2', false, true],
      ]);
      expect((await catalog.directory(parseBytePath('/data/b')))?.totals.bytes).toBe(1000);
    });

    test('bytes that count under another name of their file are neither removed nor modified', async () => {
      const catalog = await open();
      const link = { inode: 42, size: 1000 };
      const tree = new PackedTree('/data').file('a/1', { ...link, links: 3 });
      tree.file('a/2', { ...link, links: 3 }).file('b/3', { ...link, links: 3 });
      await record(catalog, tree);
      tree.remove('a').file('b/3', { ...link, links: 1 });
      expect((await record(catalog, tree)).changes).toMatchObject({
        modified: { files: 1, bytes: 0 },
        removed: { files: 2, bytes: 0 },
      });
      expect((await catalog.directory(tree.root))?.totals.bytes).toBe(1000);
      tree.file('b/3', { ...link, links: 2 }).file('c/4', { ...link, links: 2 });
      await record(catalog, tree);
      tree.remove('b').file('c/4', { ...link, size: 1005, links: 1, mtime: 9 });
      expect((await record(catalog, tree)).changes).toMatchObject({
        modified: { files: 1, bytes: 5 },
        removed: { files: 1, bytes: 0 },
      });
    });

    test('what a name counts more or less since its tree was looked at, and not that of another, is no modification', async () => {
      const catalog = await open();
      const link = { inode: 42, size: 1000 };
      const [one, two] = [new PackedTree('/one'), new PackedTree('/two')];
      await record(catalog, one.file('1', { ...link, links: 2 }));
      await record(catalog, two.file('2', { ...link, links: 2 }));
      const bytes = async () => [
        (await catalog.directory(one.root))?.totals.bytes,
        (await catalog.directory(two.root))?.totals.bytes,
      ];
      expect(await bytes()).toEqual([1000, 0]);
      const alone = await record(catalog, two.file('2', { ...link, links: 1 }));
      expect(alone.changes.modified).toEqual({ files: 1, bytes: 0 });
      // As long as the first tree is not looked at again, the catalog takes its name for another one's that is there.
      expect(await bytes()).toEqual([1000, 1000]);
      const linked = await record(catalog, two.file('2', { ...link, links: 2 }));
      expect(linked.changes.modified).toEqual({ files: 1, bytes: 0 });
    });

    test('a file is removed, and a new one is not it, where the number of its inode is used again', async () => {
      const catalog = await open();
      const link = { inode: 42, links: 2 };
      const tree = new PackedTree('/data')
        .file('1', { ...link, size: 1000 })
        .file('2', { ...link, size: 1000 });
      await record(catalog, tree);
      tree.remove('1').remove('2');
      const another = { ...link, size: 500, born: 1_700_000_000 };
      tree.file('3', another).file('4', another);
      expect((await record(catalog, tree)).changes).toMatchObject({
        new: { files: 2, bytes: 500 },
        removed: { files: 2, bytes: 1000 },
      });
    });

    test('a name that counts goes on counting when others come', async () => {
      const catalog = await open();
      const tree = new PackedTree('/data').directory('a').file('b/2', { inode: 42, size: 1000 });
      await record(catalog, tree);
      tree.file('b/2', { links: 2 }).file('a/1', { inode: 42, size: 1000, links: 2 });
      const run = await record(catalog, tree);
      expect(run.changes).toMatchObject({ new: { files: 1, bytes: 0 }, modified: { files: 1, bytes: 0 } });
      expect((await catalog.directory(parseBytePath('/data/a')))?.totals).toMatchObject({
        files: 1,
        bytes: 0,
      });
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
}
