import { parseBytePath } from '@filetracker/catalog';
import { describe, expect, test } from 'vitest';
import { all, contents } from '../../support/catalog-contents.js';
import { PackedTree } from '../../support/packed-tree.js';
import { type OpenCatalog, record } from './recording.js';

/** A scan is there as a whole or not at all, and one at a time. */
export function describeSessions(open: OpenCatalog): void {
  describe('sessions', () => {
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
}
