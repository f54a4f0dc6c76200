import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseBytePath, type WatchEvent, watch } from '@filetracker/catalog';
import { describe, expect, test } from 'vitest';
import { Sqlite } from '#catalog/database/sqlite/driver.js';
import { HintBuffer } from '#catalog/watch/hint-buffer.js';
import { all } from '../support/catalog-contents.js';
import { makeTmpfs } from '../support/file-systems.js';
import { differencesFromDisk } from '../support/fresh-scan.js';
import { PATIENTLY } from '../support/patiently.js';
import { isRoot } from '../support/root.js';
import { WatchProcess } from '../support/watch-process.js';
import { churn, lastDifferences, watchWorkplace } from '../support/watched-tree.js';

const FAST = ['--settle', '20ms', '--max-delay', '200ms', '--poll-interval', '100ms'];

/** Makes and removes so many files, each of which is at least one event. */
function makeEvents(directory: string, count: number): void {
  for (let n = 0; n < count; n++) {
    const file = join(directory, `event-${n}`);
    writeFileSync(file, '');
    rmSync(file);
  }
}

describe.runIf(isRoot)('events that are lost', () => {
  test.each([
    ['fanotify', '/proc/sys/fs/fanotify/max_queued_events'],
    ['inotify', '/proc/sys/fs/inotify/max_queued_events'],
  ])('a queue of %s that overflows is a gap, and nothing stays unseen', async (backend, setting) => {
    const { database, catalog } = await watchWorkplace();
    // fanotify tells of a whole file system: one of its own, so that nobody else fills the queue.
    const disk = makeTmpfs(64);
    const [root, outside] = [join(disk.path, 'tree'), join(disk.path, 'outside')];
    for (const directory of [root, outside]) mkdirSync(directory);
    const path = parseBytePath(root);
    await churn(root, outside, 5, 300);
    const process = new WatchProcess(root, database, {
      flags: ['--backend', backend, '--limit-queue', ...FAST],
    });
    await process.started();
    // A lower limit would be that of the watches of all other tests, too.
    const limit = Number(readFileSync(setting, 'utf8'));
    await process.whileStopped(() => makeEvents(root, limit + 1));
    await Promise.all([1, 2].map((seed) => churn(root, outside, seed, 3000)));
    await process.line({ kind: 'gap' });
    expect(await lastDifferences(catalog, path)).toEqual([]);
    await process.line({ kind: 'state', state: 'live' });
    expect(await all(catalog.mutations({ kinds: ['gap'] }))).toContainEqual(
      expect.objectContaining({ path, kind: 'gap' }),
    );
    await process.end('SIGINT');
    expect(await differencesFromDisk(catalog, path)).toEqual([]);
  });

  test('more than the memory bound waits for the database: a gap, and all is found', async () => {
    const { root, database, catalog, path } = await watchWorkplace();
    for (let n = 0; n < 50; n++) mkdirSync(join(root, `d${n}`));
    const stop = new AbortController();
    const events: WatchEvent[] = [];
    const options = { settle: 20, maxDelay: 100, maxWaiting: 10, signal: stop.signal } as const;
    const watching = (async () => {
      for await (const event of watch(catalog, path, options)) events.push(event);
    })();
    await expect.poll(() => events.some(({ kind }) => kind === 'started'), PATIENTLY).toBe(true);
    const other = new Sqlite(database);
    other.exec('BEGIN IMMEDIATE');
    for (let n = 0; n < 50; n++) writeFileSync(join(root, `d${n}`, 'new'), 'x');
    await expect.poll(() => events.some(({ kind }) => kind === 'gap'), PATIENTLY).toBe(true);
    other.exec('ROLLBACK');
    other.close();
    expect(await lastDifferences(catalog, path)).toEqual([]);
    stop.abort();
    await watching;
  });
});

test('more places than a source keeps apart are a gap', () => {
  const root = parseBytePath('/data');
  const scope = { root, exclusions: [], oneFileSystem: false, followMounts: false, maxDepth: 1 };
  const hints = new HintBuffer({ scope, ignore: [], limitQueue: false });
  hints.add({ kind: 'root' });
  for (let n = 0; n <= 100_000; n++) hints.changed(parseBytePath(`/data/${n}`), '');
  const reason = 'more than 100000 directories changed at once';
  expect(hints.take()).toEqual([{ kind: 'root' }, { kind: 'lost', path: root, reason }]);
});
