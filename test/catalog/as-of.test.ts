import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Attributes,
  asOf,
  type BytePath,
  changeReport,
  find,
  isDirectory,
  openCatalog,
  openQueries,
  parseBytePath,
  prune,
  type QueryDatabase,
  scanEnd,
  spanBetween,
  splitPath,
  timeline,
  topGrowth,
} from '@filetracker/catalog';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { record } from '../conformance/catalog/recording.js';
import { allOf } from '../support/catalog-contents.js';
import { DATABASES } from '../support/databases.js';
import { PackedTree } from '../support/packed-tree.js';
import { ScannedTree } from '../support/scanned-tree.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const RUNS = { SQLite: 12, PostgreSQL: 5 } as const;

const NAMES = ['a', 'b', 'dir', 'dir/a', 'dir/sub', 'dir/sub/a', 'dir-1'];

/** One edit of a tree; those that make no sense where it is tried do nothing. */
const edit = fc.oneof(
  fc.record({ kind: fc.constant('write' as const), at: fc.constantFrom(...NAMES), size: fc.nat(5000) }),
  fc.record({ kind: fc.constant('mkdir' as const), at: fc.constantFrom(...NAMES) }),
  fc.record({ kind: fc.constant('remove' as const), at: fc.constantFrom(...NAMES) }),
  fc.record({
    kind: fc.constant('move' as const),
    at: fc.constantFrom(...NAMES),
    to: fc.constantFrom(...NAMES),
  }),
  fc.record({
    kind: fc.constant('swap' as const),
    at: fc.constantFrom(...NAMES),
    to: fc.constantFrom(...NAMES),
  }),
);

type Edit = typeof edit extends fc.Arbitrary<infer Value> ? Value : never;

function apply(root: string, change: Edit): void {
  const at = join(root, change.at);
  try {
    if (change.kind === 'write') writeFileSync(at, 'x'.repeat(change.size));
    else if (change.kind === 'mkdir') mkdirSync(at);
    else if (change.kind === 'remove') rmSync(at, { recursive: true });
    else if (change.kind === 'move') renameSync(at, join(root, change.to));
    else swap(at, join(root, change.to), join(root, 'aside'));
  } catch {
    // There is nothing to change there: the next edit comes.
  }
}

function swap(one: string, other: string, aside: string): void {
  renameSync(one, aside);
  try {
    renameSync(other, one);
    renameSync(aside, other);
  } catch {
    renameSync(aside, one);
  }
}

/** What a state says of each path; times and inodes of directories are not part of the history. */
function stateOf(entries: readonly { readonly path: BytePath; readonly attributes: Attributes }[]) {
  const said = entries.map(({ path, attributes: { mode, size, mtimeNs, inode } }) =>
    isDirectory(mode) ? `${path}/` : `${path} ${size} ${mtimeNs} ${inode}`,
  );
  return said.sort();
}

async function present(database: QueryDatabase) {
  const entries = await allOf(find(database, {}));
  return stateOf(entries.map((entry) => ({ path: entry.path, attributes: entry })));
}

/** What a directory held directly at a moment: asked for as that, and out of all that was below it. */
async function direct(database: QueryDatabase, path: BytePath, moment: number) {
  const ask = async (isRecursive: boolean) => {
    const { entries } = await asOf(database, { path, moment, isRecursive });
    return stateOf((await allOf(entries)).filter((entry) => splitPath(entry.path)?.parent === path));
  };
  return { asked: await ask(false), picked: await ask(true) };
}

async function past(database: QueryDatabase, path: BytePath, moment: number) {
  const tree = await asOf(database, { path, moment, isRecursive: true });
  return { top: tree.top, state: stateOf([...(tree.top ? [tree.top] : []), ...(await allOf(tree.entries))]) };
}

describe.each(DATABASES)('$kind', ({ kind, newPlace }) => {
  test('rolled back to any scan, the tree is what that scan recorded, and so are its sums', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(edit, { minLength: 1, maxLength: 6 }), { minLength: 2, maxLength: 4 }),
        async (rounds) => {
          const tree = await ScannedTree.in({ newPlace });
          const recorded: { readonly moment: number; readonly state: string[]; readonly bytes: number }[] =
            [];
          for (const edits of rounds) {
            for (const change of edits) apply(tree.root, change);
            const { finishedAt, totals } = await tree.scan();
            recorded.push({ moment: finishedAt, state: await tree.query(present), bytes: totals.bytes });
          }
          for (const { moment, state, bytes } of recorded) {
            const then = await tree.query((database) => past(database, tree.path, moment));
            expect(then.state).toEqual(state);
            expect(then.top?.bytes).toBe(bytes);
            for (const path of [tree.path, parseBytePath(join(tree.root, 'dir'))]) {
              const { asked, picked } = await tree.query((database) => direct(database, path, moment));
              expect(asked).toEqual(picked);
            }
          }
        },
      ),
      { numRuns: RUNS[kind] },
    );
  });

  test('before the first scan, and before what was pruned, nothing is claimed', async () => {
    const tree = await ScannedTree.in({ newPlace });
    writeFileSync(join(tree.root, 'a'), '1');
    const first = await tree.scan();
    writeFileSync(join(tree.root, 'a'), '22');
    const second = await tree.scan();
    await expect(
      tree.query((database) => past(database, tree.path, first.startedAt - 1)),
    ).rejects.toMatchObject({
      code: 'not_recorded',
    });
    const file = parseBytePath(join(tree.root, 'a'));
    expect((await tree.query((database) => past(database, file, first.finishedAt))).top?.bytes).toBe(1);
    await tree.query((database) => prune(database, second.finishedAt + 1));
    await expect(tree.query((database) => past(database, file, first.finishedAt))).rejects.toMatchObject({
      code: 'not_recorded',
    });
    expect((await tree.query((database) => past(database, file, second.finishedAt))).top?.bytes).toBe(2);
  });

  test('a clock that went back does not mix up what scans recorded', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const place = await newPlace(temporaryDirectory());
    const catalog = await openCatalog(place, { create: true });
    const tree = new PackedTree('/data').file('a', { size: 1 });
    const at = async (time: number) => {
      vi.setSystemTime(time);
      await record(catalog, tree);
    };
    const [early, middle, late] = [Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 2), Date.UTC(2026, 0, 3)];
    await at(early);
    tree.file('b', { size: 2 });
    await at(late);
    // The clock is put right: this scan comes after the one before, whatever their times say.
    tree.file('c', { size: 3 });
    await at(middle);
    await catalog.close();
    const database = await openQueries(place);
    const names = async (moment: number) =>
      (await past(database, tree.root, moment)).state.map((line) => line.split(' ')[0]);
    expect(await names(early)).toEqual(['/data/', '/data/a']);
    expect(await names(middle)).toEqual(['/data/', '/data/a', '/data/b', '/data/c']);
    expect(await names(late)).toEqual(['/data/', '/data/a', '/data/b', '/data/c']);
    const second = { moment: late, scan: 2, path: tree.root, isRecursive: true };
    const { entries, top } = await asOf(database, second);
    expect((await allOf(entries)).map(({ path }) => path).sort()).toEqual(['/data/a', '/data/b']);
    expect(top).toMatchObject({ files: 2, bytes: 3 });
    const found = async (since: number, until?: number) => {
      const end = (scan: number) => scanEnd(database, scan);
      const [from, to] = [await end(since), until === undefined ? until : await end(until)];
      const span = { ...(await spanBetween(database, from ?? 0, to)), limit: 9 };
      const grown = await topGrowth(database, { ...span, of: 'files', by: 'size' });
      const { scans, kinds, periods } = await changeReport(database, { ...span, interval: 'day' });
      expect(periods.reduce((sum, { growth }) => sum + growth, 0)).toBe(kinds.new.bytes);
      const line = await timeline(database, { ...span, path: tree.root, points: 2 });
      return {
        paths: grown.map(({ path }) => path).sort(),
        scans,
        bytes: kinds.new.bytes,
        sizes: line.map(({ bytes }) => bytes),
      };
    };
    expect(await found(1)).toEqual({ paths: ['/data/b', '/data/c'], scans: 2, bytes: 5, sizes: [1, 6] });
    expect(await found(1, 2)).toEqual({ paths: ['/data/b'], scans: 1, bytes: 2, sizes: [1, 3] });
    expect(await found(2)).toEqual({ paths: ['/data/c'], scans: 1, bytes: 3, sizes: [3, 6] });
    expect(await found(2, 3)).toEqual({ paths: ['/data/c'], scans: 1, bytes: 3, sizes: [3, 6] });
    expect(await found(3)).toEqual({ paths: [], scans: 0, bytes: 0, sizes: [6, 6] });
    expect(await found(1, 3)).toEqual({ paths: ['/data/b', '/data/c'], scans: 2, bytes: 5, sizes: [1, 6] });
    await database.close();
  });

  test('a timeline since a moment begins with what was recorded then, where the clock went back after it', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const place = await newPlace(temporaryDirectory());
    const catalog = await openCatalog(place, { create: true });
    const tree = new PackedTree('/data').file('a', { size: 1 });
    const days: number[] = [];
    const on = async (day: number) => {
      vi.setSystemTime(Date.UTC(2026, 0, day));
      days.push((await record(catalog, tree)).finishedAt);
    };
    await on(1);
    tree.file('b', { size: 1000 });
    await on(20);
    tree.remove('b');
    await on(10);
    tree.file('c', { size: 3 });
    await on(22);
    await catalog.close();
    const database = await openQueries(place);
    const sizes = async (since: number, until: number) => {
      const span = await spanBetween(database, Date.UTC(2026, 0, since), Date.UTC(2026, 0, until));
      const points = await timeline(database, { ...span, path: tree.root, points: 2 });
      return points.map(({ bytes, files }) => [bytes, files]);
    };
    expect(await sizes(15, 23)).toEqual([
      [1, 1],
      [4, 2],
    ]);
    expect(await sizes(21, 23)).toEqual([
      [1, 1],
      [4, 2],
    ]);
    expect(await sizes(2, 15)).toEqual([
      [1, 1],
      [1, 1],
    ]);
    await database.close();
  });
});
