import { describe, expect, test } from 'vitest';
import { all, contents } from '../../support/catalog-contents.js';
import { PackedTree } from '../../support/packed-tree.js';
import { type OpenCatalog, record } from './recording.js';

/** Bytes and numbers come back as they were. */
export function describeFidelity(open: OpenCatalog): void {
  describe('bytes and numbers survive', () => {
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
