import { randomInt } from 'node:crypto';
import { chmodSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type BytePath,
  type Catalog,
  CatalogError,
  changeReport,
  find,
  findPaths,
  openCatalog,
  parseBytePath,
  type QueryDatabase,
  timeline,
  topGrowth,
} from '@filetracker/catalog';
import type { Database } from 'better-sqlite3';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { Sqlite } from '#catalog/database/sqlite/driver.js';
import { LineThreads } from '#catalog/database/sqlite/line-threads.js';
import { numberParts } from '#catalog/database/sqlite/number-parts.js';
import type { LineQuery } from '#catalog/database/sqlite/shared-job.js';
import { openSqliteQueries } from '#catalog/database/sqlite/sqlite-queries.js';
import { record } from '../conformance/catalog/recording.js';
import { allOf } from '../support/catalog-contents.js';
import { withThreads } from '../support/few-threads.js';
import { PackedTree } from '../support/packed-tree.js';
import { isRoot } from '../support/root.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

let file: string;
let catalog: Catalog;

beforeEach(async () => {
  file = join(temporaryDirectory(), 'catalog.db');
  catalog = await openCatalog(file, { create: true });
  onTestFinished(() => catalog.close());
});

/** The numbers up to a last one, a line each, without a table. */
function counting(last: number): LineQuery {
  const text = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
    SELECT cast(i AS text) || ' of ' || ? AS line FROM n`;
  return { text, values: [last, String(last)] };
}

/** The number of runs, so many times. */
function runsTimes(count: number): LineQuery[] {
  const text = "SELECT cast(count(*) AS text) || ' runs' FROM scan_runs";
  return Array.from({ length: count }, () => ({ text, values: [] }));
}

/** Threads beside a connection that asks, with queries that it ran itself. */
class Asker {
  readonly own: LineQuery[] = [];
  readonly threads: LineThreads;
  readonly #database: Database;

  constructor(count: number) {
    this.threads = new LineThreads(file, count);
    this.#database = new Sqlite(file, { readonly: true });
    this.#database.exec('BEGIN');
    this.#database.prepare('SELECT count(*) FROM scan_runs').get();
    onTestFinished(() => this.close());
  }

  async lines(queries: readonly LineQuery[]): Promise<string[]> {
    return allOf(this.threads.lines(queries, (query) => this.#run(query)));
  }

  /** Asks again and again until a thread has helped. */
  async untilHelped(queries: readonly LineQuery[], check: (lines: readonly string[]) => void): Promise<void> {
    for (;;) {
      this.own.length = 0;
      check(await this.lines(queries));
      if (this.own.length < queries.length) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async close(): Promise<void> {
    await this.threads.close();
    this.#database.close();
  }

  *#run(query: LineQuery): Generator<readonly string[]> {
    this.own.push(query);
    const statement = this.#database.prepare<unknown[], string>(query.text).pluck();
    yield statement.all(...query.values);
  }
}

test('lines come in the order of the queries, whoever runs them', async () => {
  await record(catalog, new PackedTree('/data').file('a'));
  const asker = new Asker(2);
  const lasts = Array.from({ length: 40 }, () => randomInt(1, 5_000));
  const wanted = lasts.flatMap((last) => Array.from({ length: last }, (_, i) => `${i + 1} of ${last}`));
  await asker.untilHelped(lasts.map(counting), (lines) => expect(lines).toEqual(wanted));
});

test('threads help only where nothing was committed since', async () => {
  await record(catalog, new PackedTree('/data').file('a'));
  const late = new Asker(2);
  await record(catalog, new PackedTree('/data').file('a').file('b'));
  const queries = runsTimes(20);
  // When others have been helped, these threads have had the time to ask as well.
  await new Asker(2).untilHelped(queries, (lines) => expect(new Set(lines)).toEqual(new Set(['2 runs'])));
  for (let round = 0; round < 50; round++) {
    expect(new Set(await late.lines(queries))).toEqual(new Set(['1 runs']));
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(late.own).toHaveLength(50 * queries.length);
});

test('threads that were let in keep seeing their state', async () => {
  await record(catalog, new PackedTree('/data').file('a'));
  const asker = new Asker(2);
  const queries = runsTimes(200);
  const isOne = (lines: readonly string[]) => expect(new Set(lines)).toEqual(new Set(['1 runs']));
  await asker.untilHelped(queries, isOne);
  await record(catalog, new PackedTree('/data').file('a').file('b'));
  await asker.untilHelped(queries, isOne);
});

test('what fails in a thread fails as it does without', async () => {
  await record(catalog, new PackedTree('/data').file('a'));
  const asker = new Asker(2);
  const failing: LineQuery = { text: 'SELECT no_such_column FROM scan_runs', values: [] };
  for (;;) {
    asker.own.length = 0;
    const failure = await asker.lines([counting(9), failing]).catch((error: unknown) => error);
    expect(String(failure)).toContain('no_such_column');
    if (asker.own.includes(failing)) {
      await new Promise((resolve) => setImmediate(resolve));
      continue;
    }
    expect(failure).toBeInstanceOf(CatalogError);
    return;
  }
});

test('who stops early leaves no thread behind that waits', async () => {
  await record(catalog, new PackedTree('/data').file('a'));
  const asker = new Asker(2);
  const endless = Array.from({ length: 10 }, () => counting(200_000));
  await asker.untilHelped(runsTimes(200), () => {});
  for (let round = 0; round < 3; round++) {
    for await (const lines of asker.threads.lines(endless, function* () {
      yield ['mine'];
    })) {
      expect(lines.length).toBeGreaterThan(0);
      break;
    }
  }
  // Those that did not stop would not take this.
  await asker.untilHelped(runsTimes(200), () => {});
});

test('numbers are divided without gaps', () => {
  for (let round = 0; round < 200; round++) {
    const first = BigInt(randomInt(0, 50));
    const last = first + BigInt(randomInt(0, 300));
    const parts = numberParts(first, last, randomInt(1, 70));
    expect(parts[0]?.from).toBe(first);
    expect(parts.at(-1)?.to).toBe(last + 1n);
    for (const [at, { from, to }] of parts.entries()) {
      expect(to).toBeGreaterThan(from);
      if (at > 0) expect(from).toBe(parts[at - 1]?.to);
    }
  }
});

/** A random tree, wide enough that every part of it holds something. */
function randomTree(): PackedTree {
  const tree = new PackedTree('/data');
  const directories = [''];
  for (let n = 0; n < 100; n++) {
    const above = directories[randomInt(directories.length)] ?? '';
    const path = `${above}d-${randomInt(1_000)}é/`;
    directories.push(path);
    tree.directory(path.slice(0, -1));
  }
  for (let n = 0; n < 800; n++) change(tree, directories[randomInt(directories.length)] ?? '', n);
  return tree;
}

function change(tree: PackedTree, directory: string, n: number): void {
  const mode = n % 20 === 0 ? 0o120777 : 0o100644;
  tree.file(`${directory}f ${n}.${n % 3}`, { size: randomInt(100_000), mtime: randomInt(1_000), mode });
}

/** All that reads in parts, of one state of the catalog. */
async function everything(database: QueryDatabase, path: BytePath) {
  const span = { after: 0, upTo: 2 ** 42, limit: 20 };
  const searches = [
    { types: ['symlink'] },
    { minimumSize: 50_000 },
    { maximumSize: 10_000, path },
    { patterns: ['f 1*'] },
    { patterns: ['data/d-*/**/*.2'], types: ['file'] },
    { modifiedSince: 500_000_000_000n },
    { uid: 0 },
  ] as const;
  return {
    found: await Promise.all(searches.map((criteria) => allOf(find(database, criteria)))),
    paths: await allOf(findPaths(database, searches[3])),
    report: await changeReport(database, { ...span, after: 2 ** 40, interval: 'month' }),
    growth: await topGrowth(database, { ...span, of: 'directories', by: 'size' }),
    grown: await topGrowth(database, { ...span, path, of: 'files', by: 'count' }),
    timeline: await timeline(database, { ...span, path, points: 5 }),
  };
}

test('queries with threads find what those without find, in the same order', async () => {
  const tree = randomTree();
  await record(catalog, tree);
  for (let n = 0; n < 200; n++) change(tree, '', randomInt(800));
  for (let n = 800; n < 1_200; n++) change(tree, 'new/', n);
  await record(catalog, tree);
  const serial = openSqliteQueries(file, { threads: 0 });
  onTestFinished(() => serial.close());
  const path = parseBytePath('/data');
  const wanted = await everything(serial, path);
  expect(wanted.found.map(({ length }) => length).every((length) => length > 0)).toBe(true);
  const threaded = openSqliteQueries(file, { threads: 2 });
  onTestFinished(() => threaded.close());
  for (let round = 0; round < 3; round++) expect(await everything(threaded, path)).toEqual(wanted);
});

test.runIf(isRoot)('threads that cannot start need not help (root only)', () => {
  chmodSync(dirname(file), 0o777);
  for (const name of readdirSync(dirname(file))) chmodSync(join(dirname(file), name), 0o666);
  const script = `
    const { LineThreads } = await import('#catalog/database/sqlite/line-threads.js');
    const threads = new LineThreads(${JSON.stringify(file)}, 3);
    const queries = ['a', 'b', 'c'].map((text) => ({ text: "SELECT '" + text + "'", values: [] }));
    const lines = [];
    for await (const some of threads.lines(queries, ({ text }) => [[text.at(-2)]])) lines.push(...some);
    await threads.close();
    console.log(lines.join());`;
  expect(withThreads(1, script)).toBe('a,b,c\n');
});
