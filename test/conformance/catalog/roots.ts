import { parseBytePath } from '@filetracker/catalog';
import { describe, expect, test } from 'vitest';
import { all, inWords } from '../../support/catalog-contents.js';
import { PackedTree } from '../../support/packed-tree.js';
import { type OpenCatalog, record, wordsOf } from './recording.js';

/** Trees beside and inside each other. */
export function describeRoots(open: OpenCatalog): void {
  describe('roots', () => {
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

    test('a tree that was left out of the one around it joins it, although nothing in it changed', async () => {
      const catalog = await open();
      const inner = new PackedTree('/data/inner')
        .directory('', { inode: 5 })
        .directory('x', { inode: 6 })
        .file('x/y', { inode: 7, size: 5 });
      await record(catalog, inner);
      await record(catalog, new PackedTree('/data').file('y', { size: 1 }));
      const outer = new PackedTree('/data')
        .directory('inner', { inode: 5 })
        .directory('inner/x', { inode: 6 });
      outer.file('inner/x/y', { inode: 7, size: 5 }).file('y', { size: 1 });
      const run = await record(catalog, outer);
      expect(run.totals).toMatchObject({ files: 2, directories: 2, bytes: 6 });
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
}
