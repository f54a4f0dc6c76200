import { describe, expect, test } from 'vitest';
import { readListings } from '#catalog/listing/directory-listing.js';
import { all } from '../../support/catalog-contents.js';
import { PackedTree } from '../../support/packed-tree.js';
import { type OpenCatalog, record, wordsOf } from './recording.js';

/** What counts as a change of a file, and what its tallies come to. */
export function describeChanges(open: OpenCatalog): void {
  describe('changes', () => {
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

    test('of an unchanged tree nothing but sums need come, also of its root', async () => {
      const catalog = await open();
      const tree = new PackedTree('/data').file('a').file('d/b');
      await record(catalog, tree);
      await record(catalog, new PackedTree('/other').file('c'));
      const session = await catalog.beginScan({ root: tree.root, source: 'scan' });
      const listings = tree
        .pack('', await session.knownDigests())
        .flatMap((packed) => [...readListings(packed)]);
      await session.abort();
      expect(listings.map(({ path, state }) => [path, state])).toEqual([
        ['/data', 'same'],
        ['/data/d', 'same'],
      ]);
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

    test('in a large directory everything that changed is seen, whatever the times of change are', async () => {
      const catalog = await open();
      const tree = new PackedTree('/data');
      for (let n = 0; n < 40; n++) tree.file(`f${n}`, { size: n, ctime: 1_700_000_000 + n });
      tree.directory('known').file('known/a').file('linked', { links: 2, size: 7 });
      await record(catalog, tree);
      const steps: [() => unknown, string[]][] = [
        [() => tree.file('f3', { size: 9, ctime: 1_700_000_100 }), ['modified /data/f3']],
        [() => tree.file('f4', { size: 9, ctime: 1_600_000_000 }), ['modified /data/f4']],
        [() => tree.file('f5', { mode: 0o100600 }), ['modified /data/f5']],
        [
          () => tree.file('f6', { size: 9, ctime: 1_700_000_101 }).file('f7', { mtime: 9 }),
          ['modified /data/f6', 'modified /data/f7'],
        ],
        [
          () =>
            tree.file('comes', { ctime: 1_700_000_102 }).directory('d').file('d/e').file('f8', { size: 1 }),
          ['new /data/comes', 'new /data/d', 'new /data/d/e', 'modified /data/f8'],
        ],
        [
          () => tree.file('f9', { size: 1, ctime: 1_700_000_103 }).remove('f10').remove('known'),
          ['removed /data/f10', 'removed /data/known', 'removed /data/known/a', 'modified /data/f9'],
        ],
        [
          () => tree.file('linked', { links: 3, ctime: 1_700_000_104 }).file('name', { links: 3 }),
          ['modified /data/linked', 'new /data/name'],
        ],
        [() => tree.directory('', { mode: 0o040700, ctime: 1_700_000_105 }), ['modified /data']],
      ];
      for (const [step, words] of steps) {
        step();
        const run = await record(catalog, tree);
        expect((await wordsOf(catalog, run)).sort()).toEqual(words.sort());
      }
      const fresh = await open();
      await record(fresh, tree);
      expect(await all(catalog.files(tree.root))).toEqual(await all(fresh.files(tree.root)));
      expect(await catalog.directory(tree.root)).toEqual(await fresh.directory(tree.root));
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
}
