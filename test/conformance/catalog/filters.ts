import {
  type BytePath,
  type ChangeFilter,
  isWithin,
  parseBytePath,
  type ScanFilter,
  type ScanRun,
} from '@filetracker/catalog';
import { describe, expect, test } from 'vitest';
import { all, inWords } from '../../support/catalog-contents.js';
import { PackedTree } from '../../support/packed-tree.js';
import { type OpenCatalog, record } from './recording.js';

/** Which changes and runs a filter lets through. */
export function describeFilters(open: OpenCatalog): void {
  describe('filters of changes', () => {
    test('by scan, time, kind, subtree and size, alone and together', async () => {
      const catalog = await open();
      const tree = new PackedTree('/data').file('a/x', { size: 9000 });
      await record(catalog, tree);
      const first = await record(catalog, tree.file('a/b/new', { size: 5 }).file('a-b/new', { size: 7000 }));
      const second = await record(catalog, tree.move('a/x', 'a-b/x').remove('a/b'));
      const found = async (filter: ChangeFilter) => inWords(await all(catalog.changes(filter)));
      const moved = 'renamed /data/a/x -> /data/a-b/x';
      expect(await found({ scan: first.id, kinds: ['new'], minimumSize: 6000 })).toEqual([
        'new /data/a-b/new',
      ]);
      expect(await found({ scan: second.id })).toEqual(['removed /data/a/b', 'removed /data/a/b/new', moved]);
      expect(await found({ path: parseBytePath('/data/a'), kinds: ['renamed', 'new'] })).toEqual([
        'new /data/a/b',
        'new /data/a/b/new',
        moved,
      ]);
      expect(await found({ path: parseBytePath('/data/a-b/x') })).toEqual([moved]);
      expect(await found({ path: parseBytePath('/'), minimumSize: 6000 })).toEqual([
        'new /data/a-b/new',
        moved,
      ]);
      expect(await found({ until: first.startedAt })).toEqual([]);
      expect(await found({ since: second.finishedAt + 1 })).toEqual([]);
    });

    test('every combination lets through what looking at all changes would', async () => {
      const catalog = await open();
      const tree = new PackedTree('/data').file('a/first');
      await record(catalog, tree);
      // Runs and directories with few changes and with many: each combination is found most quickly in its own way.
      const runs: ScanRun[] = [];
      for (const count of [1, 12, 3]) {
        for (let n = 0; n < count; n++)
          tree.file(n % 5 === 0 ? `b/${runs.length}-${n}` : `a/${runs.length}-${n}`);
        runs.push(await record(catalog, tree));
      }
      runs.push(await record(catalog, tree.move('b/0-0', 'c')));
      const everything = await all(catalog.changes());
      const [, second, third] = runs;
      const moments = [undefined, second?.startedAt, third?.startedAt];
      for (const scan of [undefined, second?.id, third?.id]) {
        for (const since of moments) {
          for (const until of moments) {
            for (const path of [undefined, '/', '/data', '/data/b', '/data/b/0-0', '/elsewhere']) {
              const given = { scan, since, until, path: path === undefined ? path : parseBytePath(path) };
              const filter = Object.fromEntries(
                Object.entries(given).filter(([, value]) => value !== undefined),
              );
              const isIn = (at: BytePath | null) => at !== null && (!given.path || isWithin(at, given.path));
              const wanted = everything.filter(
                (change) =>
                  (scan === undefined || change.scan === scan) &&
                  (since === undefined || change.recordedAt >= since) &&
                  (until === undefined || change.recordedAt < until) &&
                  (isIn(change.path) || isIn(change.previousPath)),
              );
              expect(await all(catalog.changes(filter)), JSON.stringify(filter)).toEqual(wanted);
            }
          }
        }
      }
    });

    test('scans by path, newest first', async () => {
      const catalog = await open();
      const [one, two] = [new PackedTree('/data/one').file('a'), new PackedTree('/data/two').file('a')];
      for (const tree of [one, two, one]) await record(catalog, tree);
      const roots = async (filter: ScanFilter) => (await all(catalog.scans(filter))).map(({ root }) => root);
      expect(await roots({})).toEqual(['/data/one', '/data/two', '/data/one']);
      expect(await roots({ limit: 1 })).toEqual(['/data/one']);
      expect(await roots({ path: parseBytePath('/data/one/deep/inside') })).toEqual([
        '/data/one',
        '/data/one',
      ]);
      expect(await roots({ path: parseBytePath('/data'), limit: 2 })).toEqual(['/data/one', '/data/two']);
    });
  });
}
