/**
 * Measures `filetracker watch` on a generated tree of a million files beside inotifywait, watchman and find.
 *
 *     apt-get install inotify-tools watchman
 *     node --import tsx bench/watch/run.ts [--files 1000000] [--rounds 3] [--parts starts,changes,burst]
 *       [--backend inotify]
 *
 * With `--backend inotify` single changes are measured where fanotify would hear what others do to the file system.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Database } from 'better-sqlite3';
import { Sqlite } from '#catalog/database/sqlite/driver.js';
import { benchmarkTree } from '../catalog/tree.js';
import { median } from '../support/measure.js';
import { StartedWatch } from './started-watch.js';
import { measureWatchman } from './watchman.js';

const { values } = parseArgs({
  options: {
    files: { type: 'string' },
    rounds: { type: 'string' },
    parts: { type: 'string' },
    backend: { type: 'string' },
  },
});
const files = Number(values.files ?? 1_000_000);
const rounds = Number(values.rounds ?? 3);
const backend = values.backend ?? 'fanotify';
const parts = new Set((values.parts ?? 'starts,changes,burst').split(','));

const SETTLE_MS = 200;
const CHANGES = 100;
/** How long the watch is observed doing nothing. */
const IDLE_MS = 4_000;
const BURST_DIRECTORIES = 100;
const BURST_FILES = 1_000;

const place = mkdtempSync(join(tmpdir(), 'filetracker-bench-watch-'));
const treeOf = (count: number) => benchmarkTree({ files: count, directories: count / 20 });
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** The root's totals as another process sees them. */
class Onlooker {
  readonly #database: Database;
  readonly #row;

  constructor(file: string) {
    this.#database = new Sqlite(file, { readonly: true });
    this.#row = this.#database.prepare<[], { files: number; bytes: number }>(
      'SELECT total_files AS files, total_bytes AS bytes FROM directories WHERE parent_id = 0',
    );
  }

  totals(): { readonly files: number; readonly bytes: number } {
    return this.#row.get() ?? { files: 0, bytes: 0 };
  }

  /** Milliseconds until the totals are as wanted. */
  async until(isReached: (totals: { files: number; bytes: number }) => boolean): Promise<number> {
    const began = performance.now();
    while (!isReached(this.totals())) await sleep(1);
    return performance.now() - began;
  }

  close(): void {
    this.#database.close();
  }
}

function percentile(numbers: readonly number[], share: number): number {
  return numbers.toSorted((a, b) => a - b)[Math.ceil(numbers.length * share) - 1] ?? Number.NaN;
}

const row = (...cells: readonly (string | number)[]) => console.log(`| ${cells.join(' | ')} |`);

/** From the start of a process until it is live. */
async function startToLive(tree: string, database: string): Promise<void> {
  const ours = { fanotify: [] as number[], inotify: [] as number[] };
  const theirs: number[] = [];
  const watchman: number[] = [];
  const memory = { ours: [] as number[], watchman: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    for (const backend of ['fanotify', 'inotify'] as const) {
      const watch = await StartedWatch.ours(tree, database, '--backend', backend, '--trust', 'saved');
      ours[backend].push(watch.secondsToLive);
      await sleep(1_000);
      if (backend === 'fanotify') memory.ours.push(watch.residentMiB);
      await watch.stop();
    }
    const other = await StartedWatch.inotifywait(tree);
    theirs.push(other.secondsToLive);
    await other.stop();
    const measured = measureWatchman(tree);
    watchman.push(measured.seconds);
    memory.watchman.push(measured.residentMiB);
  }
  const [peer, best] = [median(theirs), median(ours.fanotify)];
  row(
    'start to live, fanotify',
    `${best.toFixed(2)} s`,
    `inotifywait ${peer.toFixed(2)} s`,
    `${(peer / best).toFixed(1)}×`,
    '3×',
  );
  row(
    'start to live, fanotify',
    `${best.toFixed(2)} s`,
    `watchman ${median(watchman).toFixed(2)} s`,
    `${(median(watchman) / best).toFixed(1)}×`,
    '3×',
  );
  const slow = median(ours.inotify);
  row(
    'start to live, inotify',
    `${slow.toFixed(2)} s`,
    `inotifywait ${peer.toFixed(2)} s`,
    `${(peer / slow).toFixed(1)}×`,
    '–',
  );
  const [mine, his] = [median(memory.ours), median(memory.watchman)];
  row(
    'memory, idle',
    `${mine.toFixed(0)} MiB`,
    `watchman ${his.toFixed(0)} MiB`,
    `${(mine / his).toFixed(2)} of it`,
    '1',
  );
}

/** Single changes, one after the other: what each costs and when it can be seen. */
async function singleChanges(
  count: number,
): Promise<{ readonly latencies: number[]; readonly cpuMs: number }> {
  const tree = treeOf(count);
  const database = await scanned(tree);
  const watch = await StartedWatch.ours(tree, database, '--backend', backend, '--trust', 'saved');
  const onlooker = new Onlooker(database);
  const file = join(tree, 'bench-change');
  writeFileSync(file, '');
  await sleep(1_000);
  const latencies: number[] = [];
  // Events of everything else on the file system cost something, too.
  const idleBefore = watch.cpuMs;
  await sleep(IDLE_MS);
  const idlePerMs = (watch.cpuMs - idleBefore) / IDLE_MS;
  const [before, began] = [watch.cpuMs, performance.now()];
  for (let n = 0; n < CHANGES; n++) {
    const { bytes } = onlooker.totals();
    appendFileSync(file, 'x');
    latencies.push((await onlooker.until((totals) => totals.bytes === bytes + 1)) - SETTLE_MS);
  }
  const cpuMs = (watch.cpuMs - before - idlePerMs * (performance.now() - began)) / CHANGES;
  rmSync(file);
  await sleep(500);
  onlooker.close();
  await watch.stop();
  return { latencies, cpuMs };
}

/** What a change costs and when it is seen, in a small tree and in the large one. */
async function changes(): Promise<void> {
  const small = await singleChanges(10_000);
  const large = await singleChanges(files);
  const p50 = median(large.latencies);
  row(
    'one change seen by another process, over the settle time, median',
    `${p50.toFixed(0)} ms`,
    '',
    '',
    '50 ms',
  );
  row('... 99th percentile', `${percentile(large.latencies, 0.99).toFixed(0)} ms`, '', '', '150 ms');
  const growth = `${(large.cpuMs / small.cpuMs).toFixed(2)}×`;
  row(
    'CPU for one change',
    `${large.cpuMs.toFixed(1)} ms`,
    `with 10,000 files ${small.cpuMs.toFixed(1)} ms`,
    growth,
    '1.2×, 5 ms',
  );
}

/** Many creates in a burst, until the catalog is true; beside find(1) of the tree. */
async function burst(tree: string, database: string): Promise<void> {
  const ours: number[] = [];
  const finds: number[] = [];
  const watch = await StartedWatch.ours(tree, database, '--backend', 'fanotify', '--trust', 'saved');
  const onlooker = new Onlooker(database);
  for (let round = 0; round < rounds; round++) {
    const { files: known } = onlooker.totals();
    const top = join(tree, 'bench-burst');
    mkdirSync(top);
    for (let d = 0; d < BURST_DIRECTORIES; d++) {
      mkdirSync(join(top, `d${d}`));
      for (let f = 0; f < BURST_FILES; f++) writeFileSync(join(top, `d${d}`, `f${f}`), '');
    }
    ours.push(await onlooker.until((totals) => totals.files === known + BURST_DIRECTORIES * BURST_FILES));
    const began = performance.now();
    execFileSync('find', [tree, '-printf', '%p %s %T@\n'], {
      maxBuffer: 2 ** 30,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    finds.push(performance.now() - began);
    rmSync(top, { recursive: true });
    await onlooker.until((totals) => totals.files === known);
  }
  onlooker.close();
  await watch.stop();
  const [mine, find] = [median(ours) / 1000, median(finds) / 1000];
  row(
    'after a burst of 100,000 creates: catalog true',
    `${mine.toFixed(2)} s`,
    `find -printf ${find.toFixed(2)} s`,
    `${(mine / find).toFixed(1)} × its time`,
    '5',
  );
}

const databases = new Map<string, string>();

async function scanned(tree: string): Promise<string> {
  const known = databases.get(tree);
  if (known !== undefined) return known;
  const database = join(place, `catalog-${databases.size}.db`);
  const watch = await StartedWatch.ours(tree, database, '--backend', 'fanotify');
  await watch.stop();
  databases.set(tree, database);
  return database;
}

try {
  const tree = treeOf(files);
  const database = await scanned(tree);
  console.log(`${files} files in ${files / 20} directories, warm cache, medians of ${rounds} rounds\n`);
  row('work', 'Filetracker', 'beside', 'ratio', 'wanted');
  row('---', '---', '---', '---', '---');
  if (parts.has('starts')) await startToLive(tree, database);
  if (parts.has('changes')) await changes();
  if (parts.has('burst')) await burst(tree, database);
} finally {
  rmSync(place, { recursive: true, force: true });
}
