import { isDirectory, parseBytePath } from '@filetracker/catalog';
import { describe, expect, test } from 'vitest';
import { all } from '../../support/catalog-contents.js';
import { PackedTree } from '../../support/packed-tree.js';
import { type OpenCatalog, record, wordsOf } from './recording.js';

const EACCES = 13;
const ENOENT = 2;
const EIO = 5;

/** What could not be read takes nothing away. */
export function describeUnreadable(open: OpenCatalog): void {
  describe('what cannot be read', () => {
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

    test('a directory that cannot even be looked at stays as it was known, a new one is a directory', async () => {
      const catalog = await open();
      const tree = new PackedTree('/data').file('d/a', { size: 3 });
      await record(catalog, tree);
      const before = await catalog.directory(parseBytePath('/data/d'));
      const hidden = { kind: 'unreadable', errno: EACCES, isHidden: true } as const;
      tree.problem('d', hidden).directory('new').problem('new', hidden);
      const run = await record(catalog, tree);
      expect(await wordsOf(catalog, run)).toEqual(['new /data/new']);
      expect(await catalog.directory(parseBytePath('/data/d'))).toEqual(before);
      expect(isDirectory((await catalog.directory(parseBytePath('/data/new')))?.attributes.mode ?? 0)).toBe(
        true,
      );
      expect(await wordsOf(catalog, await record(catalog, tree))).toEqual([]);
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
}
