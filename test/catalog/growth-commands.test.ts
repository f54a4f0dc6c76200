import { mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openCatalog } from '@filetracker/catalog';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { record } from '../conformance/catalog/recording.js';
import { catalogWorkplace, sharedPlace } from '../support/catalog-workplace.js';
import { PackedTree } from '../support/packed-tree.js';

/** A tree that grew by 5000 bytes, and then shrank by 1000; with the moments in between. */
function grownTree(directory?: string) {
  const { root, place, run, json } = catalogWorkplace(directory);
  mkdirSync(join(root, 'alpha'));
  writeFileSync(join(root, 'alpha', 'log.txt'), Buffer.alloc(1000));
  const pause = () => {
    const until = Date.now() + 30;
    while (Date.now() < until);
    return new Date().toISOString();
  };
  run('scan', root);
  const first = pause();
  writeFileSync(join(root, 'alpha', 'run.dat'), Buffer.alloc(5000));
  run('scan', root);
  const second = pause();
  truncateSync(join(root, 'alpha', 'log.txt'), 0);
  run('scan', root);
  const third = pause();
  return { root, place, run, json, first, second, third };
}

/** The same, for tests that change neither tree nor catalog. */
const toRead = sharedPlace(grownTree);

describe('filetracker timeline', () => {
  test('tells the sizes of the past at even distances', () => {
    const { root, json, first, second, third } = toRead();
    const sizes = (since: string, until: string) =>
      json('timeline', '--since', since, '--until', until, '--points', '2', root).map(({ bytes, files }) => [
        bytes,
        files,
      ]);
    expect(sizes(first, second)).toEqual([
      [1000, 1],
      [6000, 2],
    ]);
    expect(sizes(second, third)).toEqual([
      [6000, 2],
      [5000, 2],
    ]);
  });

  test('begins where the catalog does, also after history was forgotten', () => {
    const { root, run, json, first, second } = grownTree();
    const told = (...span: readonly string[]) => json('timeline', ...span, '--points', '2', root);
    const ends = json('scans').map(({ finishedAt }) => finishedAt);
    expect(told('--last', '1w', '--until', second)[0]).toMatchObject({ at: ends[2], bytes: 1000 });
    run('prune', '--keep', 'scan:3');
    expect(told('--last', '1w')).toMatchObject([{ at: ends[1], bytes: 6000 }, { bytes: 5000 }]);
    expect(run('timeline', '--last', '1w', '--until', first, root)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('does not reach back that far') as string,
    });
  });

  test('a line of bars for people, a page that needs nothing else for a browser', () => {
    const { root, place, run, first } = toRead();
    const text = run('timeline', '--since', first, '--points', '9', root).stdout;
    expect(text).toMatch(/^[▁▂▃▄▅▆▇█]{9}\n/);
    expect(text).toMatch(/4\.9 KiB in 2 files {2}\(\+3\.9 KiB\)\n/);
    const page = join(place, 'timeline.html');
    expect(run('timeline', '--html', page, root).status).toBe(0);
    const html = readFileSync(page, 'utf8');
    expect(html).toContain('Timeline of ');
    expect(html).toContain('Size, KiB');
    expect(html).not.toMatch(/(src|href)="http/);
  });

  test('a directory that is gone is told of as far as it can be', () => {
    const { root, run } = grownTree();
    rmSync(join(root, 'alpha'), { recursive: true });
    run('scan', '--allow-empty', root);
    expect(run('timeline', join(root, 'alpha')).stdout).toBe('it is no directory\n');
  });
});

test('top --growth between two scans, by their numbers', () => {
  const { root, run, json } = toRead();
  const growth = (...span: readonly string[]) =>
    json('top', '--growth', '--files', ...span, root).map(({ path, bytes }) => [path, bytes]);
  expect(growth('--since', 'scan:1', '--until', 'scan:2')).toEqual([[join(root, 'alpha', 'run.dat'), 5000]]);
  expect(growth('--since', 'scan:2')).toEqual([]);
  expect(json('top', '--growth', '--since', 'scan:1', '--until', 'scan:3', root)).toMatchObject([
    { path: join(root, 'alpha'), bytes: 4000, files: 1, changes: 2 },
  ]);
  expect(run('top', '--growth', '--since', 'scan:99', root)).toMatchObject({
    status: 1,
    stderr: 'filetracker: the catalog has no scan 99: "filetracker scans" lists them\n',
  });
  expect(run('top', '--growth', '--since', 'scan:x', root).status).toBe(2);
});

test('the end of a scan is a moment for every command that takes one', () => {
  const { root, run, json } = grownTree();
  const file = join(root, 'alpha', 'run.dat');
  const changed = (...span: readonly string[]) =>
    json('changes', ...span).map(({ scan, path }) => [scan, path === file ? 'run.dat' : path]);
  const all = changed('--since', '1d');
  expect(changed('--since', 'scan:1')).toEqual(all);
  expect(changed('--since', 'scan:2')).toEqual(all.filter(([scan]) => Number(scan) > 2));
  expect(changed('--until', 'scan:2')).toEqual(all.filter(([scan]) => scan === 2));
  expect(changed('--since', 'scan:1', '--until', 'scan:2', file)).toEqual([[2, 'run.dat']]);
  const growthOf = ([report]: readonly Record<string, unknown>[]) => {
    const periods = (report?.['periods'] ?? []) as readonly { readonly growth: number }[];
    return periods.reduce((sum, { growth }) => sum + growth, 0);
  };
  expect(growthOf(json('report', '--since', 'scan:1', '--until', 'scan:2', root))).toBe(5000);
  expect(growthOf(json('report', '--since', 'scan:2', '--until', 'scan:3', root))).toBe(-1000);
  const sizes = (scan: string) => json('as-of', scan, root).at(-1);
  expect(sizes('scan:1')).toMatchObject({ path: root, bytes: 1000, files: 1 });
  expect(sizes('scan:2')).toMatchObject({ path: root, bytes: 6000, files: 2 });
  expect(sizes('scan:3')).toMatchObject({ path: root, bytes: 5000, files: 2 });
  const points = json('timeline', '--since', 'scan:1', '--until', 'scan:2', '--points', '2', root);
  expect(points.map(({ bytes }) => bytes)).toEqual([1000, 6000]);
  expect(json('explain', '--since', 'scan:2', root)[0]).toMatchObject({ by: 'directory', bytes: -1000 });
  expect(json('find', '--newer', 'scan:3', root)).toEqual([]);
  expect(json('find', '--older', 'scan:3', '--type', 'f', root)).toHaveLength(2);
  for (const args of [
    ['as-of', 'scan:9', root],
    ['changes', '--since', 'scan:9'],
    ['prune', '--keep', 'scan:9'],
  ]) {
    expect(run(...args), args.join(' ')).toMatchObject({
      status: 1,
      stderr: 'filetracker: the catalog has no scan 9: "filetracker scans" lists them\n',
    });
  }
  expect(json('prune', '--keep', 'scan:3')).toEqual([
    { changes: all.filter(([scan]) => scan === 2).length, runs: 1 },
  ]);
  expect(changed('--since', '1d')).toEqual(all.filter(([scan]) => scan === 3));
});

test('newer than a scan is what was modified since it began', async () => {
  const { database, json } = catalogWorkplace();
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  mkdirSync(dirname(database));
  const catalog = await openCatalog(database, { create: true });
  const tree = new PackedTree('/data').file('early', { mtime: 1_800_000_000 });
  vi.setSystemTime(1_800_000_010_000);
  const session = await catalog.beginScan({ root: tree.root, source: 'scan' });
  for (const listings of tree.pack()) await session.record(listings);
  vi.setSystemTime(1_800_000_030_000);
  await session.finish();
  // Written while the scan ran, in a directory that it had passed.
  await record(catalog, tree.file('late', { mtime: 1_800_000_020 }));
  await catalog.close();
  const found = (when: string) => json('find', '--type', 'f', when, 'scan:1').map(({ path }) => path);
  expect(found('--newer')).toEqual(['/data/late']);
  expect(found('--older')).toEqual(['/data/early']);
});

test('after a scan is what later ones recorded, also where the clock went back before them', async () => {
  const { database, json } = catalogWorkplace();
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  mkdirSync(dirname(database));
  const catalog = await openCatalog(database, { create: true });
  const tree = new PackedTree('/data');
  for (const [name, day] of [
    ['a', 1],
    ['b', 3],
    ['c', 2],
  ] as const) {
    vi.setSystemTime(Date.UTC(2026, 0, day));
    await record(catalog, tree.file(name));
  }
  await catalog.close();
  const changed = (...span: readonly string[]) => json('changes', ...span).map(({ path }) => path);
  expect(changed('--since', 'scan:1')).toEqual(['/data/b', '/data/c']);
  expect(changed('--since', 'scan:2')).toEqual(['/data/c']);
  expect(changed('--since', 'scan:3')).toEqual([]);
  expect(changed('--until', 'scan:3')).toEqual(changed());
  expect(changed('--since', 'scan:1', '--until', 'scan:2')).toEqual(['/data/b']);
  const told = (since: string) => json('events', '--since', since).map(({ scan }) => scan);
  expect(told('scan:1')).toEqual([2, 3]);
  expect(told('scan:2')).toEqual([3]);
  expect(told('scan:3')).toEqual([]);
  json('prune', '--keep', 'scan:2');
  expect(changed('--since', 'scan:2')).toEqual(['/data/c']);
});

describe('filetracker explain', () => {
  test('says which directories, types and owners account for the growth', () => {
    const { root, json, run, first } = toRead();
    const shares = json('explain', '--since', first, root);
    expect(shares).toContainEqual({ by: 'directory', what: join(root, 'alpha'), bytes: 4000, files: 1 });
    expect(shares).toContainEqual({ by: 'type', what: 'dat', bytes: 5000, files: 1 });
    expect(shares).toContainEqual({ by: 'type', what: 'txt', bytes: -1000, files: 0 });
    expect(shares.find(({ by }) => by === 'owner')).toMatchObject({ bytes: 4000, files: 1 });
    expect(run('explain', '--since', first, root).stdout).toMatch(
      /^\+3\.9 KiB since .*\(4\.9 KiB now\)\nby directory:\n/,
    );
  });

  test('names the span that the catalog tells of, which begins with the first scan', async () => {
    const { database, run } = catalogWorkplace();
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    mkdirSync(dirname(database));
    const catalog = await openCatalog(database, { create: true });
    for (const [name, day] of [
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ] as const) {
      vi.setSystemTime(new Date(2026, 0, day));
      await record(catalog, new PackedTree('/data').file(name));
    }
    await catalog.close();
    const said = (...span: readonly string[]) =>
      /(since.*?) {2}/.exec(run('explain', ...span, '/data').stdout)?.[1];
    expect(said('--since', '2025-12-01')).toBe('since 2026-01-01 00:00:00');
    expect(said('--since', '2026-01-02')).toBe('since 2026-01-02 00:00:00');
    expect(said('--since', 'scan:1', '--until', 'scan:2')).toBe(
      'since 2026-01-01 00:00:00 until 2026-01-02 00:00:00',
    );
    expect(run('explain', '--since', '2025-12-01', '--until', '2025-12-31', '/data')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('does not reach back that far') as string,
    });
  });
});

test('top --growth --last is growth since then', () => {
  const { root, json } = toRead();
  expect(json('top', '--growth', '--last', '1h', root)[0]).toMatchObject({
    path: join(root, 'alpha'),
    bytes: 4000,
  });
});
