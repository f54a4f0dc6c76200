import { describe, expect, test } from 'vitest';
import { PackedTree } from '../../support/packed-tree.js';
import { type OpenCatalog, record, wordsOf } from './recording.js';

/** What is told as renamed. */
export function describeRenames(open: OpenCatalog): void {
  describe('renames', () => {
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

    test('a file renamed over another is a rename, and the other is removed', async () => {
      const catalog = await open();
      const tree = new PackedTree('/data').file('a', { size: 3 }).file('b', { size: 40 });
      await record(catalog, tree);
      const run = await record(catalog, tree.remove('b').move('a', 'b'));
      expect(await wordsOf(catalog, run)).toEqual(['removed /data/b', 'renamed /data/a -> /data/b']);
      expect(run).toMatchObject({
        changes: {
          renamed: { files: 1, bytes: 3 },
          removed: { files: 1, bytes: 40 },
          modified: { files: 0 },
        },
        totals: { files: 1, bytes: 3 },
      });
    });

    test('a new file under the name of a renamed one is new', async () => {
      const catalog = await open();
      const tree = new PackedTree('/data').file('log', { size: 9 });
      await record(catalog, tree);
      const run = await record(catalog, tree.move('log', 'log.1').file('log', { size: 1 }));
      expect(await wordsOf(catalog, run)).toEqual(['renamed /data/log -> /data/log.1', 'new /data/log']);
      expect(run.changes).toMatchObject({ new: { files: 1, bytes: 1 }, renamed: { files: 1, bytes: 9 } });
    });

    test('names that were swapped, in a circle too, are renames', async () => {
      const catalog = await open();
      const tree = new PackedTree('/data').file('a').file('b').file('c').file('d/x').file('e/y');
      await record(catalog, tree);
      tree.move('a', 'aside').move('c', 'a').move('b', 'c').move('aside', 'b');
      tree.move('d', 'aside').move('e', 'd').move('aside', 'e');
      expect(await wordsOf(catalog, await record(catalog, tree))).toEqual([
        'renamed /data/c -> /data/a',
        'renamed /data/a -> /data/b',
        'renamed /data/b -> /data/c',
        'renamed /data/e -> /data/d',
        'renamed /data/e/y -> /data/d/y',
        'renamed /data/d -> /data/e',
        'renamed /data/d/x -> /data/e/x',
      ]);
    });

    test('a file that is replaced by one from elsewhere is modified', async () => {
      const catalog = await open();
      const tree = new PackedTree('/data').file('a', { size: 3 });
      await record(catalog, tree);
      const run = await record(catalog, tree.remove('a').file('a', { size: 5 }));
      expect(await wordsOf(catalog, run)).toEqual(['modified /data/a']);
      tree.directory('d');
      await record(catalog, tree);
      expect(await wordsOf(catalog, await record(catalog, tree.remove('d').directory('d')))).toEqual([]);
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
}
