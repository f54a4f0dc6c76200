import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startServer } from '../../test/support/server-process.js';
import { output, seconds } from '../support/command.js';
import { writeLargeFile } from '../support/large-content.js';
import { formatRow, type Row, rounds, TABLE_HEAD } from '../support/measure.js';

/*
 * Measures filetracker-migrate beside rsync and tar, and filetracker-cache-cleaner beside find:
 *
 *     node --import tsx bench/store/migrate.ts [--files N] [--gib N] [--cached N] [--rounds N]
 *
 * 0 leaves the rows of that out.
 */

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '100000' },
    gib: { type: 'string', default: '20' },
    cached: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '3' },
  },
});
const ROUNDS = Number(values.rounds);

const SMALL = 4096;

/** Files of one directory. */
const FANOUT = 500;

const script = (name: string) =>
  fileURLToPath(new URL(`../../packages/cli/dist/bin/${name}.js`, import.meta.url));

/** Seconds that a migration takes which remembers digests in `memory`: none of them, where that is not there yet. */
function migrate(memory: string, ...args: string[]): Promise<number> {
  const command = [process.execPath, script('filetracker-migrate'), '-s', ...args];
  return seconds('env', `XDG_CACHE_HOME=${memory}`, ...command);
}

function cached(path: string, bytes: Uint8Array, version: number): void {
  writeFileSync(path, bytes);
  utimesSync(path, version, version);
}

function makeTree(root: string, count: number, content: (index: number) => Uint8Array): void {
  for (let index = 0; index < count; index++) {
    const path = join(root, `d${Math.floor(index / FANOUT)}`, `file${index}`);
    if (index % FANOUT === 0) mkdirSync(dirname(path), { recursive: true });
    cached(path, content(index), 1_600_000_000 + index);
  }
}

/** Many small files, and then the same again. */
async function smallFiles(directory: string): Promise<Row[]> {
  const count = Number(values.files);
  const tree = join(directory, 'small');
  const line = Buffer.alloc(SMALL, 'some text that compresses as source text does, 0123456789\n');
  makeTree(tree, count, (index) => Buffer.concat([Buffer.from(`${index}\n`), line]).subarray(0, SMALL));
  const first: [number, number][] = [];
  const direct: [number, number][] = [];
  const again: [number, number][] = [];
  await rounds(ROUNDS, async (n) => {
    const copy = join(directory, `copy${n}`);
    const rsync = await seconds('rsync', '-a', `${tree}/`, copy);
    const server = await startServer(join(directory, `store${n}`));
    const memory = join(directory, `memory${n}`);
    first.push([count / (await migrate(memory, tree, server.url)), count / rsync]);
    const rsyncAgain = await seconds('rsync', '-a', `${tree}/`, copy);
    again.push([count / (await migrate(memory, tree, server.url)), count / rsyncAgain]);
    await server.end();
    const store = join(directory, `direct${n}`);
    direct.push([count / (await migrate(`${memory}-direct`, tree, '--to', store)), count / rsync]);
    for (const name of ['copy', 'store', 'direct'])
      rmSync(join(directory, `${name}${n}`), { recursive: true });
  });
  const unit = 'files/s';
  const many = `${count.toLocaleString('en')} files of 4 KiB`;
  return [
    { work: `migrate ${many}`, peer: '`rsync -a`', unit, rounds: first, target: 0.5 },
    { work: 'the same with `--to`', peer: '`rsync -a`', unit, rounds: direct, target: 0.5 },
    { work: 'migrate again, nothing to do', peer: '`rsync -a` again', unit, rounds: again, target: 0.5 },
  ];
}

/** Compressible files of 64 MiB. */
async function largeFiles(directory: string): Promise<Row> {
  const gib = Number(values.gib);
  const tree = join(directory, 'large');
  mkdirSync(tree);
  for (let index = 0; index < gib; index++) {
    const file = join(directory, 'one');
    writeLargeFile(file, index);
    await output('split', '-b', '64M', '-a', '3', file, join(tree, `part${index}-`));
    rmSync(file);
  }
  const measured = await rounds(ROUNDS, async (n): Promise<[number, number]> => {
    const archive = join(directory, 'archive.zst');
    const tar = await seconds('sh', '-c', `tar c -C ${tree} . | zstd -T2 -3 -qfo ${archive}`);
    rmSync(archive);
    const store = join(directory, `store${n}`);
    const server = await startServer(store);
    const ours = await migrate(join(directory, `memory${n}`), tree, server.url);
    await server.end();
    rmSync(store, { recursive: true });
    return [gib / ours, gib / tar];
  });
  const work = `migrate ${gib} GiB in files of 64 MiB`;
  return { work, peer: '`tar c \\| zstd -T2 -3`', unit: 'GiB/s', rounds: measured, target: 0.7 };
}

/** One look at a cache of many files that is not too large. */
async function cleaning(directory: string): Promise<Row> {
  const count = Number(values.cached);
  const cache = join(directory, 'cache');
  makeTree(join(cache, 'files'), count, () => new Uint8Array(1));
  const measured = await rounds(ROUNDS, async (): Promise<[number, number]> => {
    const find = await seconds('sh', '-c', `find ${cache}/files -printf '%p %s %T@\\n' > /dev/null`);
    const clean = [script('filetracker-cache-cleaner'), '-q', '--once', '-s', '1T', '-c', cache];
    return [count / (await seconds(process.execPath, ...clean)), count / find];
  });
  const work = `cache cleaner, ${count.toLocaleString('en')} files`;
  return { work, peer: '`find -printf`', unit: 'files/s', rounds: measured, target: 0.3 };
}

const benchmarks = [
  { count: values.files, run: smallFiles },
  { count: values.gib, run: largeFiles },
  { count: values.cached, run: cleaning },
];
console.log(TABLE_HEAD);
for (const { count, run } of benchmarks) {
  if (Number(count) === 0) continue;
  const directory = mkdtempSync(join(tmpdir(), 'filetracker-bench-'));
  try {
    for (const row of [await run(directory)].flat()) console.log(formatRow(row));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
