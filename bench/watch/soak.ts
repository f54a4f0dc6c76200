/**
 * Watches trees for a long time while processes change them at random, notes what memory the watches take, and
 * compares every file with the catalogs in the end.
 *
 *     node --import tsx bench/watch/soak.ts [--minutes 60] [--backends fanotify,inotify] [--pause 100]
 *
 * Each tree has a part that stays and one that changes: an edit every `--pause` milliseconds, and a burst a minute.
 * Fails when anything differs in the end.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { COMMAND, StartedWatch } from './started-watch.js';

const { values } = parseArgs({
  options: { minutes: { type: 'string' }, backends: { type: 'string' }, pause: { type: 'string' } },
});
const minutes = Number(values.minutes ?? 60);
const backends = (values.backends ?? 'fanotify,inotify').split(',');
const pause = values.pause ?? '100';

const CHURN = fileURLToPath(new URL('../../test/support/churn.mjs', import.meta.url));
const STILL = { directories: 1_000, files: 20 };
/** Parts of what changes; a burst is in one of them. */
const AREAS = 20;
const BURST = 300;
const MINUTE = 60_000;
const MIB = 2 ** 20;

const place = mkdtempSync(join(tmpdir(), 'filetracker-soak-'));

/** One watched tree, and who changes it. */
class Soaked {
  readonly tree: string;
  readonly #database: string;
  readonly #changing: string;
  readonly #outside: string;
  #watch: StartedWatch | undefined;
  #churn: { readonly child: ReturnType<typeof spawn>; readonly ended: Promise<unknown> } | undefined;

  constructor(readonly backend: string) {
    const own = join(place, backend);
    this.tree = join(own, 'tree');
    this.#database = join(own, 'catalog.db');
    this.#changing = join(this.tree, 'changing');
    this.#outside = join(own, 'outside');
    for (let n = 0; n < AREAS; n++) mkdirSync(join(this.#changing, `area${n}`), { recursive: true });
    mkdirSync(this.#outside);
    for (let d = 0; d < STILL.directories; d++) {
      const directory = join(this.tree, 'still', `d${d}`);
      mkdirSync(directory, { recursive: true });
      for (let f = 0; f < STILL.files; f++) writeFileSync(join(directory, `f${f}`), '');
    }
  }

  async start(): Promise<void> {
    for (let n = 0; n < AREAS; n++) await this.#edit(n, BURST);
    const flags = ['--backend', this.backend, '--listen', '0'];
    this.#watch = await StartedWatch.ours(this.tree, this.#database, ...flags);
    const child = spawn(process.execPath, [CHURN, this.#changing, this.#outside, '2', '1e9', pause]);
    this.#churn = { child, ended: once(child, 'exit') };
  }

  /** A line of figures, after a burst of edits. */
  async minute(n: number): Promise<string> {
    const text = await (await fetch(`${this.#url}/metrics`)).text();
    const figure = (name: string) =>
      [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (.*)$`, 'gm'))].reduce(
        (sum, [, n]) => sum + Number(n),
        0,
      );
    const memory = ['process_resident_memory', 'nodejs_heap_size_used', 'nodejs_external_memory'];
    const cells = [
      n,
      this.backend,
      ...memory.map((name) => (figure(`${name}_bytes`) / MIB).toFixed(1)),
      figure('process_cpu_seconds_total').toFixed(1),
      figure('filetracker_watch_files'),
      figure('filetracker_watch_batches_total'),
      figure('filetracker_watch_changes_total'),
      figure('filetracker_watch_gaps_total'),
    ];
    await this.#edit(AREAS + n, BURST);
    return `| ${cells.join(' | ')} |`;
  }

  /** Ends everything and returns how the catalog differs from the disk: nothing where it is true. */
  async end(): Promise<string> {
    this.#churn?.child.kill();
    await this.#churn?.ended;
    await this.#watch?.stop();
    const args = [COMMAND, 'reconcile', '--full', '--database', this.#database, this.tree];
    return execFileSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 2 ** 30 });
  }

  get #url(): string {
    const told = this.#watch?.told.find((line) => line.includes('"kind":"listening"'));
    if (told === undefined) throw new Error('the watch has not said where it listens');
    return (JSON.parse(told) as { url: string }).url;
  }

  /** Edits one of the areas as fast as possible. */
  async #edit(seed: number, count: number): Promise<void> {
    const area = join(this.#changing, `area${seed % AREAS}`);
    mkdirSync(area, { recursive: true });
    await once(spawn(process.execPath, [CHURN, area, this.#outside, String(seed), String(count)]), 'exit');
  }
}

const soaked = backends.map((backend) => new Soaked(backend));
try {
  for (const one of soaked) await one.start();
  console.log(
    '| minute | backend | RSS, MiB | heap | external | CPU, s | files | batches | changes | gaps |',
  );
  console.log('|---|---|---|---|---|---|---|---|---|---|');
  const began = performance.now();
  for (let n = 0; n <= minutes; n++) {
    await delay(Math.max(0, began + n * MINUTE - performance.now()));
    for (const one of soaked) console.log(await one.minute(n));
  }
} finally {
  for (const one of soaked) {
    const differences = await one.end();
    if (differences !== '') process.exitCode = 1;
    console.log(
      `\n${one.backend}: reconcile --full finds ${differences === '' ? 'no differences' : `\n${differences}`}`,
    );
  }
  rmSync(place, { recursive: true, force: true });
}
