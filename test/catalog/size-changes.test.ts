import { openCatalog, openQueries, parseBytePath, splitPath } from '@filetracker/catalog';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readChangeRows } from '#catalog/database/change-rows.js';
import { SEQUENCES_TOGETHER } from '#catalog/database/change-texts.js';
import { readDetailedSizeChanges, readSizeChanges } from '#catalog/database/size-changes.js';
import { isDirectory } from '#catalog/entry.js';
import { record } from '../conformance/catalog/recording.js';
import { allOf } from '../support/catalog-contents.js';
import { DATABASES } from '../support/databases.js';
import { PackedTree } from '../support/packed-tree.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/** More changes than one text holds, by three scans, with names that hold all that separates fields. */
async function newHistory(place: string): Promise<{ readonly between: number }> {
  const catalog = await openCatalog(place, { create: true });
  onTestFinished(() => catalog.close());
  const tree = new PackedTree('/data');
  for (let n = 0; n < SEQUENCES_TOGETHER; n++) tree.file(`old/f ${n}`, { size: n });
  await record(catalog, tree);
  for (let n = 0; n < 2 * SEQUENCES_TOGETHER; n++) tree.file(`new/n\n ${n} caf\xe9`, { size: 2 * n });
  tree.directory('few').file('far', { size: 5 });
  for (let n = 0; n < 100; n++) tree.move(`old/f ${n}`, `few/moved - ${n}`);
  tree.remove('old/f 100');
  const { finishedAt } = await record(catalog, tree);
  for (let n = 200; n < SEQUENCES_TOGETHER; n++) tree.file(`old/f ${n}`, { size: n + 1, mtime: 9 });
  tree.directory('another').file('far', { size: 6, mtime: 9 });
  await record(catalog, tree);
  return { between: finishedAt };
}

describe.each(DATABASES)('$kind', ({ newPlace }) => {
  test('changes of sizes are those of the history, whatever part is read in which order', async () => {
    const place = await newPlace(temporaryDirectory());
    const { between } = await newHistory(place);
    const database = await openQueries(place);
    onTestFinished(() => database.close());
    const path = (text: string) => ({ path: parseBytePath(text) });
    const ranges = [
      { after: 0 },
      {},
      { after: between },
      { upTo: between },
      { after: 0, ...path('/data/few') },
      { after: 0, ...path('/data/old') },
      { after: 0, ...path('/data') },
      path('/data/new'),
      path('/data/far'),
      { after: 0, ...path('/elsewhere') },
      { after: Date.now() + 86_400_000 },
    ];
    const numbers: number[] = [];
    for (const range of ranges) {
      for (const order of ['oldestFirst', 'newestFirst'] as const) {
        const wanted = [];
        for await (const { before, after, ...row } of readChangeRows(database, { ...range, order })) {
          if (isDirectory((after ?? before)?.mode ?? 0)) continue;
          const { scan, recordedAt, kind, path: at, previousPath } = row;
          const places = { path: splitPath(at), previousPath: previousPath && splitPath(previousPath) };
          const [was, is] = [before?.size ?? null, after?.size ?? null];
          wanted.push({
            sizes: { scan, recordedAt, kind, ...places, was, is },
            details: { moved: 0, size: is ?? was, uidBefore: before?.uid ?? null, uid: after?.uid ?? null },
          });
        }
        const found = await allOf(readSizeChanges(database, { ...range, order }));
        const detailed = await allOf(readDetailedSizeChanges(database, { ...range, order }));
        const what = `${JSON.stringify(range)} ${order}`;
        expect(found, what).toEqual(wanted.map(({ sizes }) => sizes));
        expect(detailed, what).toEqual(wanted.map(({ sizes, details }) => ({ ...sizes, ...details })));
        numbers.push(found.length);
      }
    }
    const [second, third] = [2 * SEQUENCES_TOGETHER + 102, SEQUENCES_TOGETHER - 199];
    const all = second + third;
    expect(numbers.filter((_, at) => at % 2 === 0)).toEqual([
      all,
      all,
      third,
      second,
      100,
      SEQUENCES_TOGETHER - 200 + 101,
      all,
      2 * SEQUENCES_TOGETHER,
      2,
      0,
      0,
    ]);
  });
});
