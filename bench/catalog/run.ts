/**
 * Measures scans of a generated tree of a million files beside `find -printf` and prints a table.
 *
 *     node --import tsx bench/catalog/run.ts [--files 1000000] [--rounds 5] [--postgres]
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { postgresServer, sqliteFile } from './databases.js';
import { benchmarkTree, touchSomeFiles } from './tree.js';

/** What one run of a command took. */
interface Measured {
  readonly seconds: number;
  /** Peak memory of the process, in MiB. */
  readonly peakMiB: number;
  /** What it caused to be written to the database's disk, in MiB. */
  readonly writtenMiB: number;
}

const COMMAND = fileURLToPath(new URL('../../packages/cli/dist/bin/filetracker.js', import.meta.url));
const FILES_PER_DIRECTORY = 20;

const { values } = parseArgs({
  options: { files: { type: 'string' }, rounds: { type: 'string' }, postgres: { type: 'boolean' } },
});
const files = Number(values.files ?? 1_000_000);
const rounds = Number(values.rounds ?? 5);
const tree = benchmarkTree({ files, directories: files / FILES_PER_DIRECTORY });

/** Runs a command to its end, watching its memory and writes. */
async function measure(command: string, args: readonly string[]): Promise<Measured> {
  const before = await database.written(undefined);
  const started = process.hrtime.bigint();
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  let status = '';
  let written = before;
  const look = async () => {
    try {
      const now = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      // One that has ended and was not waited for has no memory any more.
      if (now.includes('VmHWM')) status = now;
      if (!values.postgres) written = await database.written(child.pid);
    } catch {
      // The process has just ended: the look before is the last.
    }
  };
  const timer = setInterval(() => void look(), 10);
  const code = await new Promise<number | null>((resolve) => child.on('exit', resolve));
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  clearInterval(timer);
  if (values.postgres) written = await database.written(undefined);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}`);
  return {
    seconds,
    peakMiB: Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024,
    writtenMiB: (written - before) / 2 ** 20,
  };
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

const database = values.postgres ? await postgresServer() : sqliteFile();
let place = await database.renew();
const scan = (...flags: string[]) =>
  measure(process.execPath, [COMMAND, 'scan', '-q', '--database', place, ...flags, tree]);
const find = () => measure('find', [tree, '-printf', String.raw`%p %s %T@\n`]);

const WORK: readonly {
  readonly name: string;
  readonly target: number;
  readonly run: () => Promise<Measured>;
}[] = [
  { name: 'first look, dry run', target: database.targets.dryRun, run: () => scan('--dry-run') },
  { name: 'first scan', target: database.targets.first, run: () => scan() },
  { name: 'rescan, nothing changed', target: database.targets.unchanged, run: () => scan() },
  {
    name: 'rescan, 1 % changed',
    target: database.targets.changed,
    run: () => {
      touchSomeFiles(tree, files / 100);
      return scan();
    },
  },
];

const found: Measured[] = [];
const measured = WORK.map(() => [] as Measured[]);
try {
  await find();
  for (let round = 0; round < rounds; round++) {
    place = await database.renew();
    for (const [index, { run }] of WORK.entries()) {
      // Beside every piece of work, so that a busy machine slows both.
      found.push(await find());
      measured[index]?.push(await run());
    }
  }
} finally {
  await database.close();
}

const reference = median(found.map(({ seconds }) => seconds));
console.log(
  `${database.name}, ${files} files in ${files / FILES_PER_DIRECTORY} directories, warm cache, medians of ${rounds} rounds`,
);
console.log(`find -printf: ${reference.toFixed(2)} s`);
console.log('| work | s | speed of find × | at least | peak MiB | written MiB |\n|---|---|---|---|---|---|');
for (const [index, { name, target }] of WORK.entries()) {
  const runs = measured[index] ?? [];
  const seconds = median(runs.map((run) => run.seconds));
  const peak = Math.max(...runs.map((run) => run.peakMiB));
  const written = median(runs.map((run) => run.writtenMiB));
  const cells = [
    seconds.toFixed(2),
    (reference / seconds).toFixed(2),
    target,
    peak.toFixed(0),
    written.toFixed(2),
  ];
  console.log(`| ${[name, ...cells].join(' | ')} |`);
}
