/**
 * Measures scans of a generated tree of a million files beside `find -printf` and prints a table.
 *
 *     node --import tsx bench/catalog/run.ts [--files 1000000] [--rounds 5] [--postgres]
 *     node --import tsx bench/catalog/run.ts --cold [--files 1000000] [--rounds 3]
 *
 * With --cold the file system's caches are dropped before each run, which takes root.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { type MeasuredDatabase, postgresServer, sqliteFile } from './databases.js';
import { COMMAND, FIND_FORMAT, type Measured, measure, median } from './measure.js';
import { benchmarkTree, touchSomeFiles } from './tree.js';

const FILES_PER_DIRECTORY = 20;

/** Something that is measured beside find. */
interface Work {
  readonly name: string;
  /** Wanted speed as a multiple of find's. */
  readonly target: number;
  readonly run: () => Promise<Measured>;
}

const { values } = parseArgs({
  options: {
    files: { type: 'string' },
    rounds: { type: 'string' },
    postgres: { type: 'boolean' },
    cold: { type: 'boolean' },
  },
});
const files = Number(values.files ?? 1_000_000);
const rounds = Number(values.rounds ?? (values.cold ? 3 : 5));
const tree = benchmarkTree({ files, directories: files / FILES_PER_DIRECTORY });
const database = values.postgres ? await postgresServer() : sqliteFile();
let place = await database.renew();

const scan = (...flags: string[]) =>
  measure(process.execPath, [COMMAND, 'scan', '-q', '--database', place, ...flags, tree], (pid) =>
    database.written(pid),
  );
const find = () => measure('find', [tree, '-printf', FIND_FORMAT]);

/** Runs something with nothing of the tree in memory. */
async function cold(run: () => Promise<Measured>): Promise<Measured> {
  execFileSync('sync');
  writeFileSync('/proc/sys/vm/drop_caches', '3');
  return run();
}

function warmWork({ targets }: MeasuredDatabase): readonly Work[] {
  return [
    { name: 'first look, dry run', target: targets.dryRun, run: () => scan('--dry-run') },
    { name: 'first scan', target: targets.first, run: () => scan() },
    { name: 'rescan, nothing changed', target: targets.unchanged, run: () => scan() },
    {
      name: 'rescan, 1 % changed',
      target: targets.changed,
      run: () => {
        touchSomeFiles(tree, files / 100);
        // The catalog's own syncing must not wait for what was changed just now.
        execFileSync('sync');
        return scan();
      },
    },
  ];
}

/** More threads than cores pay when each waits for the disk. */
function coldWork(): readonly Work[] {
  const many = 4 * availableParallelism();
  return [
    { name: 'cold crawl', target: 2, run: () => cold(() => scan('--dry-run')) },
    {
      name: `cold crawl, -j ${many}`,
      target: 2,
      run: () => cold(() => scan('--dry-run', '-j', String(many))),
    },
  ];
}

const work = values.cold ? coldWork() : warmWork(database);
const found: Measured[] = [];
const measured = work.map(() => [] as Measured[]);
try {
  if (!values.cold) await find();
  for (let round = 0; round < rounds; round++) {
    place = await database.renew();
    for (const [index, { run }] of work.entries()) {
      // Beside every piece of work, so that a busy machine slows both.
      found.push(values.cold ? await cold(find) : await find());
      measured[index]?.push(await run());
    }
  }
} finally {
  await database.close();
}

const reference = median(found.map(({ seconds }) => seconds));
const referenceCpu = median(found.map(({ cpuSeconds }) => cpuSeconds));
console.log(
  `${database.name}, ${files} files in ${files / FILES_PER_DIRECTORY} directories, ${values.cold ? 'cold' : 'warm'} cache, medians of ${rounds} rounds`,
);
console.log(`find -printf: ${reference.toFixed(2)} s, ${referenceCpu.toFixed(2)} s of CPU time`);
console.log(
  '| work | s | speed of find × | at least | CPU s | peak MiB | written MiB |\n|---|---|---|---|---|---|---|',
);
for (const [index, { name, target }] of work.entries()) {
  const runs = measured[index] ?? [];
  // Each against the find just before it: a machine that is busy for a while does not distort the ratio.
  const ratio = median(
    runs.map((run, round) => (found[round * work.length + index]?.seconds ?? reference) / run.seconds),
  );
  const cells = [
    median(runs.map((run) => run.seconds)).toFixed(2),
    ratio.toFixed(2),
    target,
    median(runs.map((run) => run.cpuSeconds)).toFixed(2),
    Math.max(...runs.map((run) => run.peakMiB)).toFixed(0),
    median(runs.map((run) => run.writtenMiB)).toFixed(2),
  ];
  console.log(`| ${[name, ...cells].join(' | ')} |`);
}
