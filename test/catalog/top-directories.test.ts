import { displayPath, openCatalog, openQueries, topDirectories } from '@filetracker/catalog';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { record } from '../conformance/catalog/recording.js';
import { DATABASES } from '../support/databases.js';
import { PackedTree } from '../support/packed-tree.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/** Files of random trees: a path of few names, so that many lie together, and a size. */
const FILES = fc.array(
  fc.record({
    directory: fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 5 }),
    size: fc.integer({ min: 0, max: 99 }),
  }),
  { minLength: 1, maxLength: 60 },
);

/** Bytes in each directory with all below it, the greatest first. */
function greatest(files: readonly { readonly directory: readonly string[]; readonly size: number }[]) {
  const sums = new Map<string, number>();
  for (const { directory, size } of files) {
    for (let depth = 0; depth <= directory.length; depth++) {
      const path = ['/data', ...directory.slice(0, depth)].join('/');
      sums.set(path, (sums.get(path) ?? 0) + size);
    }
  }
  return [...sums].map(([path, bytes]) => ({ path, bytes })).toSorted((a, b) => b.bytes - a.bytes);
}

describe.each(DATABASES)('the first directories in $kind', ({ newPlace }) => {
  test('are those that hold most, however few are asked for', { timeout: 300_000 }, async () => {
    const place = await newPlace(temporaryDirectory());
    const catalog = await openCatalog(place, { create: true });
    const run = fc.asyncProperty(FILES, fc.integer({ min: 1, max: 9 }), async (files, limit) => {
      const tree = new PackedTree('/data');
      files.forEach(({ directory, size }, n) => tree.file([...directory, `f${n}`].join('/'), { size }));
      await record(catalog, tree);
      const expected = greatest(files);
      const queries = await openQueries(place);
      const sizes = new Map(expected.map(({ path, bytes }) => [path, bytes]));
      for (const count of [limit, 1_001]) {
        const found = await topDirectories(queries, { limit: count, by: 'size' });
        expect(found.map(({ bytes }) => bytes)).toEqual(expected.slice(0, count).map(({ bytes }) => bytes));
        for (const { path, bytes } of found) expect(sizes.get(displayPath(path))).toBe(bytes);
      }
      const below = await topDirectories(queries, { limit, by: 'size', path: tree.root });
      expect(below.map(({ bytes }) => bytes)).toEqual(
        expected
          .filter(({ path }) => path !== '/data')
          .slice(0, limit)
          .map(({ bytes }) => bytes),
      );
      await queries.close();
    });
    await fc.assert(run, { numRuns: 12 });
    await catalog.close();
  });
});
