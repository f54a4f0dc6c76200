import {
  asOf,
  type BytePath,
  type Catalog,
  changeReport,
  openCatalog,
  openQueries,
  parseBytePath,
  prune,
  type QueryDatabase,
  scanEnd,
  timeline,
  type WatchRecorder,
} from '@filetracker/catalog';
import { knownSince } from '@filetracker/catalog/reports';
import * as fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { record } from '../conformance/catalog/recording.js';
import { all, allOf, contents, inWords } from '../support/catalog-contents.js';
import { DATABASES, type DatabaseKind } from '../support/databases.js';
import { PackedTree } from '../support/packed-tree.js';
import { rounds as runs } from '../support/rounds.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const ROOT = parseBytePath('/data');
const PART = parseBytePath('/data/d');
const DIRECTORIES = new Map([
  [ROOT, ['', 'd', 'd/e']],
  [PART, ['d', 'd/e']],
]);

const day = (n: number) => Date.UTC(2026, 0, n);

/** A catalog whose runs and watches record when a test says. */
class DatedCatalog {
  readonly tree = new PackedTree(ROOT).directory('d/e');

  private constructor(
    private readonly place: string,
    readonly catalog: Catalog,
  ) {}

  static async in({ newPlace }: Pick<DatabaseKind, 'newPlace'>): Promise<DatedCatalog> {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const place = await newPlace(temporaryDirectory());
    return new DatedCatalog(place, await openCatalog(place, { create: true }));
  }

  async scan(time: number, root = ROOT): Promise<void> {
    vi.setSystemTime(time);
    await record(this.catalog, this.tree, { root, below: root === PART ? 'd' : '' });
  }

  watch(root: BytePath): Promise<WatchRecorder> {
    return this.catalog.beginWatch({ root });
  }

  /** Has a watch see what is there now. */
  async see(time: number, recorder: WatchRecorder, root = ROOT): Promise<void> {
    vi.setSystemTime(time);
    const batch = await recorder.beginBatch();
    for (const packed of this.tree.list(...(DIRECTORIES.get(root) ?? []))) await batch.record(packed);
    await batch.commit();
  }

  async query<Result>(action: (database: QueryDatabase) => Promise<Result>): Promise<Result> {
    const database = await openQueries(this.place);
    try {
      return await action(database);
    } finally {
      await database.close();
    }
  }

  prune(before: number) {
    return this.query((database) => prune(database, before));
  }

  /** Paths as they were at a moment, with the sum of a directory; undefined where that is not told. */
  async past(path: BytePath, moment: number): Promise<readonly string[] | undefined> {
    return this.query(async (database) => {
      try {
        const { top, entries } = await asOf(database, { path, moment, isRecursive: true });
        const words = (await allOf(entries)).map(({ path: at, bytes }) => `${at} ${bytes}`);
        return [...words, `${top?.path} ${top?.bytes}`].sort();
      } catch (error) {
        expect(error).toMatchObject({ code: 'not_recorded' });
        return undefined;
      }
    });
  }

  async present(path: BytePath): Promise<readonly string[]> {
    const { files, directories } = await contents(this.catalog, path);
    const words = directories.map(({ path: at, totals }) => `${at} ${totals.bytes}`);
    return [...words, ...files.map(({ path: at, size }) => `${at} ${size}`)].sort();
  }

  /** Since when the history of each run is whole that is remembered. */
  async runs(): Promise<readonly (readonly [source: string, since: number | null])[]> {
    return (await all(this.catalog.scans())).map(({ source, historySince }) => [source, historySince]);
  }
}

describe.each(DATABASES)('$kind', ({ kind, newPlace }) => {
  test('what a watch recorded before the moment is forgotten, and of the time before the last of it nothing is told', async () => {
    const dated = await DatedCatalog.in({ newPlace });
    const { tree, catalog } = dated;
    await dated.scan(day(1));
    const recorder = await dated.watch(ROOT);
    tree.file('a', { size: 10 });
    await dated.see(day(2), recorder);
    const second = await dated.present(ROOT);
    tree.remove('a').file('d/b', { size: 200 });
    await dated.see(day(4), recorder);
    const fourth = await dated.present(ROOT);
    tree.file('d/c', { size: 3000 });
    await dated.see(day(8), recorder);
    expect(await dated.past(ROOT, day(3))).toEqual(second);
    expect(await dated.prune(day(6))).toMatchObject({ runs: 0, changes: 3 });
    for (const moment of [day(1), day(3), day(4) - 1]) expect(await dated.past(ROOT, moment)).toBeUndefined();
    for (const moment of [day(4), day(7)]) expect(await dated.past(ROOT, moment)).toEqual(fourth);
    expect(await dated.past(ROOT, day(8))).toEqual(await dated.present(ROOT));
    expect(await dated.runs()).toEqual([
      ['watch', null],
      ['scan', day(4)],
    ]);
    await dated.query(async (database) => {
      await expect(scanEnd(database, 1)).rejects.toMatchObject({ code: 'not_recorded' });
      expect(await knownSince(database, ROOT)).toBe(day(4));
      const span = { path: ROOT, after: day(1), upTo: day(9) };
      expect(await timeline(database, { ...span, points: 2 })).toMatchObject([
        { at: day(4), bytes: 200 },
        { at: day(9), bytes: 3200 },
      ]);
      const report = await changeReport(database, { ...span, interval: 'day', limit: 9 });
      expect(report).toMatchObject({ knownSince: day(4), growth: 3000 });
    });
    await recorder.close();
    await catalog.close();
  });

  test('a watch that rests goes on after it was forgotten, and the past begins where it did before', async () => {
    const dated = await DatedCatalog.in({ newPlace });
    const { tree, catalog } = dated;
    await dated.scan(day(1));
    const recorder = await dated.watch(ROOT);
    tree.file('a', { size: 10 });
    await dated.see(day(2), recorder);
    // The newest run stays, whatever it is: its number is not for another one.
    expect(await dated.prune(day(3))).toMatchObject({ runs: 0, changes: 1 });
    await dated.scan(day(4), PART);
    expect(await dated.prune(day(6))).toMatchObject({ runs: 1, changes: 0 });
    expect((await all(catalog.scans())).map(({ id }) => id)).toEqual([3, 1]);
    const before = await dated.present(ROOT);
    tree.remove('a');
    await dated.see(day(8), recorder);
    expect(await dated.past(ROOT, day(2) - 1)).toBeUndefined();
    for (const moment of [day(2), day(7)]) expect(await dated.past(ROOT, moment)).toEqual(before);
    for (const run of [
      ['scan', null],
      ['scan', day(2)],
      ['watch', null],
    ] as const)
      expect(await dated.runs()).toContainEqual(run);
    await recorder.close();
    await catalog.close();
  });

  test('events that are lost after a watch was forgotten are a gap, and stay one', async () => {
    const dated = await DatedCatalog.in({ newPlace });
    const { tree, catalog } = dated;
    await dated.scan(day(1));
    const recorder = await dated.watch(ROOT);
    tree.file('a');
    await dated.see(day(2), recorder);
    await dated.scan(day(3));
    expect(await dated.prune(day(4))).toMatchObject({ runs: 2 });
    vi.setSystemTime(day(5));
    const batch = await recorder.beginBatch();
    await batch.recordGap(ROOT);
    for (const packed of tree.file('b').list('')) await batch.record(packed);
    await batch.commit();
    await dated.prune(day(5));
    expect(inWords(await all(catalog.mutations()))).toEqual(['gap /data', 'new /data/b']);
    await recorder.close();
    await catalog.close();
  });

  test('a scan after which a watch found nothing before the moment tells all since its end', async () => {
    const dated = await DatedCatalog.in({ newPlace });
    const { tree, catalog } = dated;
    await dated.scan(day(1));
    const recorder = await dated.watch(ROOT);
    tree.file('a');
    await dated.see(day(2), recorder);
    await dated.scan(day(3));
    const third = await dated.present(ROOT);
    tree.file('b');
    await dated.see(day(8), recorder);
    expect(await dated.prune(day(6))).toMatchObject({ runs: 1, changes: 1 });
    expect(await dated.past(ROOT, day(3) - 1)).toBeUndefined();
    for (const moment of [day(3), day(7)]) expect(await dated.past(ROOT, moment)).toEqual(third);
    expect(await dated.runs()).toEqual([
      ['scan', null],
      ['watch', null],
    ]);
    await recorder.close();
    await catalog.close();
  });

  /** What happens, some minutes after what happened before. */
  const step = fc.record({
    minutes: fc.integer({ min: 1, max: 5 }),
    file: fc.constantFrom('a', 'd/a', 'd/e/a', 'd/e/b'),
    size: fc.nat(1000),
    who: fc.constantFrom('watch', 'watch', 'watchPart', 'scan', 'scanPart', 'restart', 'prune'),
    back: fc.nat(12),
  });

  test('whatever is forgotten of scans and watches, the past is told as it was, and all since the moment is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 6, maxLength: 14 }), async (steps) => {
        const dated = await DatedCatalog.in({ newPlace });
        const { tree, catalog } = dated;
        const states: {
          readonly moment: number;
          readonly known: ReadonlyMap<BytePath, readonly string[]>;
        }[] = [];
        let [now, limit] = [day(1), day(1)];
        const remember = async () => {
          const known = new Map<BytePath, readonly string[]>();
          for (const path of [ROOT, PART]) known.set(path, await dated.present(path));
          states.push({ moment: now, known });
        };
        await dated.scan(now);
        await remember();
        const open = async () => ({ [ROOT]: await dated.watch(ROOT), [PART]: await dated.watch(PART) });
        let watches = await open();
        const close = () => Promise.all([watches[ROOT]?.close(), watches[PART]?.close()]);
        for (const { minutes, file, size, who, back } of steps) {
          now += minutes * 60_000;
          if (size === 0) tree.remove(file);
          else tree.file(file, { size });
          if (who === 'scan') await dated.scan(now);
          else if (who === 'scanPart') await dated.scan(now, PART);
          else if (who === 'restart') {
            await close();
            watches = await open();
          } else if (who === 'prune') {
            const before = now - back * 60_000;
            limit = Math.max(limit, before);
            await dated.prune(before);
          } else {
            const root = who === 'watch' ? ROOT : PART;
            const recorder = watches[root];
            if (recorder) await dated.see(now, recorder, root);
          }
          await remember();
        }
        for (const { moment, known } of states) {
          for (const [path, state] of known) {
            const told = await dated.past(path, moment);
            if (told !== undefined || moment >= limit)
              expect(told, `${path} at ${moment - day(1)}`).toEqual(state);
          }
        }
        await close();
        await catalog.close();
        vi.useRealTimers();
      }),
      { numRuns: runs(RUNS[kind]) },
    );
  });
});

const RUNS = { SQLite: 25, PostgreSQL: 3 } as const;
