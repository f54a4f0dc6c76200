import { displayPath, find, openCatalog, openQueries, topFiles } from '@filetracker/catalog';
import { describe, expect, test } from 'vitest';
import { record } from '../conformance/catalog/recording.js';
import { allOf } from '../support/catalog-contents.js';
import { DATABASES } from '../support/databases.js';
import { PackedTree } from '../support/packed-tree.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const EIO = 5;
const LARGE = 9_000_000;

/** Names of the files of at least {@link LARGE} bytes, by the two queries that skip directories without one. */
async function largeFiles(place: string): Promise<{ readonly top: string[]; readonly found: string[] }> {
  const queries = await openQueries(place);
  const top = await topFiles(queries, { limit: 1 });
  const found = await allOf(find(queries, { minimumSize: LARGE, types: ['file'] }));
  await queries.close();
  return { top: top.map(({ path }) => displayPath(path)), found: found.map(({ path }) => displayPath(path)) };
}

describe.each(DATABASES)('large files in $kind', ({ newPlace }) => {
  const scanned = async (tree: PackedTree, change: (tree: PackedTree) => PackedTree) => {
    const place = await newPlace(temporaryDirectory());
    const catalog = await openCatalog(place, { create: true });
    await record(catalog, tree);
    await record(catalog, change(tree));
    await catalog.close();
    return largeFiles(place);
  };

  test('one that could not be looked at is still found', async () => {
    const tree = new PackedTree('/data').file('d/large', { size: LARGE }).file('e/small', { size: 5 });
    const found = await scanned(tree, (later) =>
      later.problem('d/large', { kind: 'unknown', errno: EIO }).file('d/new', { size: 1 }),
    );
    expect(found).toEqual({ top: ['/data/d/large'], found: ['/data/d/large'] });
  });

  test('one at the beginning of a directory whose listing comes in parts is found after a change', async () => {
    const tree = new PackedTree('/data').file('d/first', { size: LARGE }).file('e/small', { size: 5 });
    for (let n = 0; n < 15_000; n++) tree.file(`d/${`${n}`.padStart(250, '0')}`, { size: 1 });
    const found = await scanned(tree, (later) => later.file('d/new', { size: 2 }));
    expect(found).toEqual({ top: ['/data/d/first'], found: ['/data/d/first'] });
  });

  test('directories that are larger than all files do not hide the largest one', async () => {
    const tree = new PackedTree('/data').file('large', { size: LARGE });
    for (let n = 0; n < 9; n++) tree.directory(`d${n}`, { size: LARGE + n }).file(`d${n}/small`, { size: n });
    const found = await scanned(tree, (later) => later.file('d3/new', { size: 5 }));
    expect(found).toEqual({ top: ['/data/large'], found: ['/data/large'] });
  });
});
