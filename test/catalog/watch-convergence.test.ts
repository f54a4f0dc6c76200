import { execFileSync } from 'node:child_process';
import { type BytePath, type Catalog, openCatalog } from '@filetracker/catalog';
import { describe, expect, test } from 'vitest';
import { contents } from '../support/catalog-contents.js';
import { boundsProblems } from '../support/directory-bounds.js';
import { differencesFromDisk } from '../support/fresh-scan.js';
import { growthProblems, measure } from '../support/measured-sizes.js';
import { kept, replay } from '../support/mutation-replay.js';
import { newDatabase } from '../support/postgres-database.js';
import { isRoot } from '../support/root.js';
import { rounds } from '../support/rounds.js';
import { WatchProcess } from '../support/watch-process.js';
import { churn, lastDifferences, watchWorkplace } from '../support/watched-tree.js';

/*
 * Several processes change a tree at random while a watch runs. When they have ended, the catalog must become what a
 * fresh scan finds, its totals what du(1) says, the growth what du says more than at the begin, and the mutation log,
 * replayed over the state at the begin, the tree.
 */

const BACKENDS = isRoot ? (['fanotify', 'inotify', 'poll'] as const) : (['inotify', 'poll'] as const);

/** What du(1) says: lengths of files and directories, and the space that they take. */
function diskUsage(root: string): { readonly lengths: number; readonly taken: number } {
  const du = (...flags: string[]) =>
    Number(execFileSync('du', ['-s', '-B1', ...flags, root], { encoding: 'utf8' }).split('\t')[0]);
  return { lengths: du('--apparent-size'), taken: du() };
}

async function checkTotals(catalog: Catalog, path: BytePath, root: string): Promise<void> {
  const { directories } = await contents(catalog, path);
  const folders = directories.reduce((sum, { attributes }) => sum + attributes.size, 0);
  const totals = (await catalog.directory(path))?.totals;
  expect({ lengths: (totals?.bytes ?? 0) + folders, taken: totals?.allocated }).toEqual(diskUsage(root));
}

describe.each(BACKENDS)('a watch with %s', (backend) => {
  const flags = [
    '--backend',
    backend,
    '--poll-interval',
    '200ms',
    '--settle',
    '50ms',
    '--max-delay',
    '500ms',
  ];

  test('follows several processes that change everything at random', async () => {
    for (let round = 0; round < rounds(1); round++) {
      const { root, outside, database, catalog, path } = await watchWorkplace();
      await churn(root, outside, 1000 + round, 200);
      const watch = new WatchProcess(root, database, { flags });
      await watch.started();
      const [before, cursor] = [await kept(catalog, path), await catalog.mutationCursor()];
      const begin = await measure(catalog, path);
      await Promise.all([1, 2, 3].map((n) => churn(root, outside, 10 * round + n, 1500)));
      expect(await lastDifferences(catalog, path)).toEqual([]);
      await watch.end('SIGINT');
      expect(await differencesFromDisk(catalog, path)).toEqual([]);
      await checkTotals(catalog, path, root);
      const measured = [begin, await measure(catalog, path)];
      expect(await growthProblems(database, path, { measured, sample: 20 })).toEqual([]);
      expect(await boundsProblems(database)).toEqual([]);
      expect(await replay(before, catalog, cursor)).toEqual(await kept(catalog, path));
    }
  });

  test('loses and repeats nothing when it is killed in the middle', async () => {
    const { root, outside, database, catalog, path } = await watchWorkplace();
    await churn(root, outside, 77, 200);
    let watch = new WatchProcess(root, database, { flags });
    await watch.started();
    const [before, cursor] = [await kept(catalog, path), await catalog.mutationCursor()];
    for (let round = 0; round < rounds(3); round++) {
      const changing = churn(root, outside, 100 + round, 1000);
      await watch.line({ kind: 'batch' }, watch.lines.length);
      await watch.end('SIGKILL');
      await changing;
      watch = new WatchProcess(root, database, { flags });
      await watch.started();
    }
    expect(await lastDifferences(catalog, path)).toEqual([]);
    await watch.end('SIGINT');
    expect(await replay(before, catalog, cursor)).toEqual(await kept(catalog, path));
  });
});

test('a watch into PostgreSQL converges too', async () => {
  const { root, outside, path } = await watchWorkplace();
  const url = await newDatabase();
  const flags = ['--backend', 'inotify', '--settle', '50ms', '--max-delay', '500ms'];
  const watch = new WatchProcess(root, url, { flags });
  await watch.started();
  const catalog = await openCatalog(url, { create: false });
  const [before, cursor] = [await kept(catalog, path), await catalog.mutationCursor()];
  const begin = await measure(catalog, path);
  await Promise.all([1, 2].map((seed) => churn(root, outside, seed, 1000)));
  expect(await lastDifferences(catalog, path)).toEqual([]);
  await watch.end('SIGINT');
  await checkTotals(catalog, path, root);
  const measured = [begin, await measure(catalog, path)];
  expect(await growthProblems(url, path, { measured, sample: 20 })).toEqual([]);
  expect(await boundsProblems(url)).toEqual([]);
  expect(await replay(before, catalog, cursor)).toEqual(await kept(catalog, path));
  await catalog.close();
});
