import { type Catalog, displayPath, parseBytePath } from '@filetracker/catalog';
import { find, openQueries } from '@filetracker/catalog/reports';
import { describe, expect, onTestFinished, test } from 'vitest';
import { record } from '../conformance/catalog/recording.js';
import { allOf } from '../support/catalog-contents.js';
import { checkedCatalog } from '../support/checked-catalog.js';
import { DATABASES } from '../support/databases.js';
import { PackedTree } from '../support/packed-tree.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/* Searches look only where the bounds of directories say that something may match: see directory-bounds.ts. */

const LATER = 1_800_000_000;
const SINCE = { modifiedSince: 1_750_000_000_000_000_000n };

describe.each(DATABASES)('a search in $kind', ({ newPlace }) => {
  async function workplace(): Promise<{
    readonly catalog: Catalog;
    readonly found: (options: Parameters<typeof find>[1]) => Promise<string[]>;
  }> {
    const place = await newPlace(temporaryDirectory());
    const catalog = await checkedCatalog(place);
    onTestFinished(() => catalog.close());
    const found = async (options: Parameters<typeof find>[1]) => {
      const database = await openQueries(place);
      const entries = await allOf(find(database, options));
      await database.close();
      return entries.map(({ path }) => displayPath(path)).toSorted();
    };
    return { catalog, found };
  }

  test('finds what changed in the first and in the last part of a very large directory', async () => {
    const { catalog, found } = await workplace();
    const tree = new PackedTree('/data');
    for (let n = 0; n < 60_000; n++) tree.file(`big/file-${String(n).padStart(9, '0')}`);
    await record(catalog, tree);
    expect(await found(SINCE)).toEqual([]);
    await record(catalog, tree.file('big/file-000000001', { mtime: LATER, ctime: LATER }));
    expect(await found(SINCE)).toEqual(['/data/big/file-000000001']);
    await record(catalog, tree.file('big/file-000059999', { mtime: LATER + 9, ctime: LATER + 9 }));
    expect(await found({ modifiedSince: BigInt(LATER + 9) * 1_000_000_000n })).toEqual([
      '/data/big/file-000059999',
    ]);
  });

  test('finds a directory that was only looked at from outside', async () => {
    const { catalog, found } = await workplace();
    const tree = new PackedTree('/data').file('d/a');
    await record(catalog, tree);
    tree.directory('d', { mtime: LATER, ctime: LATER }).problem('d', { kind: 'notEntered', errno: 0 });
    await record(catalog, tree);
    expect(await found(SINCE)).toEqual(['/data/d']);
    expect(await found({ modifiedUntil: SINCE.modifiedSince })).toEqual(['/data', '/data/d/a']);
  });

  test('finds a directory of which only the place is known', async () => {
    const { catalog, found } = await workplace();
    const tree = new PackedTree('/data').file('a');
    await record(catalog, tree);
    tree.file('between/top/b');
    await record(catalog, tree, { below: 'between/top', root: parseBytePath('/data/between/top') });
    expect(await found({ patterns: ['betw*'] })).toEqual(['/data/between']);
  });

  test('finds names by any part of theirs, and the shortest', async () => {
    const { catalog, found } = await workplace();
    const tree = new PackedTree('/data')
      .file('d/report-2026.csv')
      .file('e/x')
      .file('e/ab')
      .file('f/caf\u00e9');
    await record(catalog, tree);
    expect(await found({ patterns: ['*port-20*'] })).toEqual(['/data/d/report-2026.csv']);
    expect(await found({ patterns: ['[rR]eport*.csv'] })).toEqual(['/data/d/report-2026.csv']);
    expect(await found({ patterns: ['x'] })).toEqual(['/data/e/x']);
    expect(await found({ patterns: ['a?', 'report*'] })).toEqual(['/data/d/report-2026.csv', '/data/e/ab']);
    expect(await found({ patterns: ['caf\u00e9'] })).toEqual(['/data/f/caf\u00e9']);
    expect(await found({ patterns: ['*port-21*'] })).toEqual([]);
  });
});
