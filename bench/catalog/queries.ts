/**
 * Fills a catalog with a generated tree and its history, and measures every query as a user runs it: the whole
 * command, and the time until its first row.
 *
 *     node --import tsx bench/catalog/queries.ts [--files 1000000] [--rounds 3] [--postgres]
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openCatalog, openQueries } from '@filetracker/catalog';
import { postgresServer, sqliteFile } from './databases.js';
import { GENERATED_ROOT, recordGenerated, someDirectory } from './generated-scan.js';

const COMMAND = fileURLToPath(new URL('../../packages/cli/dist/bin/filetracker.js', import.meta.url));
const FILES_PER_DIRECTORY = 20;
/** Scans behind the first, each of which finds a hundredth of the files changed. */
const LATER_SCANS = 3;

const { values } = parseArgs({
  options: { files: { type: 'string' }, rounds: { type: 'string' }, postgres: { type: 'boolean' } },
});
const files = Number(values.files ?? 1_000_000);
const rounds = Number(values.rounds ?? 3);
const shape = { files, directories: files / FILES_PER_DIRECTORY };
const database = values.postgres ? await postgresServer() : sqliteFile();
const place = await database.renew();

/** Fills the catalog; gives the moment at which its first scan had finished. */
async function fill(): Promise<string> {
  const catalog = await openCatalog(place, { create: true });
  let base = '';
  for (let round = 0; round <= LATER_SCANS; round++) {
    const started = Date.now();
    await recordGenerated(catalog, { ...shape, round });
    console.log(`scan ${round + 1}: ${((Date.now() - started) / 1000).toFixed(1)} s`);
    if (round === 0) base = new Date().toISOString();
  }
  await catalog.close();
  // As if some files had been read, and had the same content where they have the same size.
  const queries = await openQueries(place);
  await queries.write(async ({ tables }) => {
    const fingerprint = Buffer.from('the same');
    await tables.updateTable('files').set({ fingerprint }).where('uid', '=', 3n).execute();
  });
  await queries.close();
  return base;
}

/** What one run of a command took, in seconds. */
interface Measured {
  readonly total: number;
  readonly first: number;
  readonly lines: number;
}

async function measure(args: readonly string[]): Promise<Measured> {
  const started = process.hrtime.bigint();
  const elapsed = () => Number(process.hrtime.bigint() - started) / 1e9;
  const child = spawn(process.execPath, [COMMAND, ...args, '--database', place], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let first: number | undefined;
  let lines = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    first ??= elapsed();
    for (const byte of chunk) if (byte === 0x0a) lines++;
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}`);
  const total = elapsed();
  return { total, first: first ?? total, lines };
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

try {
  const base = await fill();
  const some = someDirectory({ ...shape, round: 0 });
  const file = `${GENERATED_ROOT}/sample_0.dat`;
  const commands = [
    ['scans'],
    ['du'],
    ['du', '-d', '2', GENERATED_ROOT],
    ['top'],
    ['top', some],
    ['top', '--by', 'count'],
    ['top', '--files'],
    ['top', '--files', some],
    ['top', '--growth', '--since', base],
    ['top', '--growth', '--files', '--since', base, some],
    ['find', '--min-size', '1020MiB'],
    ['find', '--name', 'sample_12345*'],
    ['find', '--type', 'l'],
    ['find', '--newer', '2025-06-17'],
    ['find', '--user', '99'],
    ['find', some],
    ['history', file],
    ['changes', '--since', base, '--kind', 'modified', some],
    ['as-of', base, GENERATED_ROOT],
    ['as-of', base, some],
    ['duplicates'],
    ['duplicates', some],
    ['report', '--last', '7d'],
    ['report', '--last', '7d', some],
    ['changes', '--since', base],
    ['find', '--type', 'd'],
    ['find'],
    ['find', '--json'],
    ['as-of', base, '-R', GENERATED_ROOT],
  ];
  console.log(
    `${database.name}, ${files} files, medians of ${rounds} rounds; a command that does nothing included`,
  );
  console.log('| command | s | first row after s | rows |\n|---|---|---|---|');
  for (const args of commands) {
    const runs: Measured[] = [];
    for (let round = 0; round < rounds; round++) runs.push(await measure(args));
    const shown = args
      .join(' ')
      .replaceAll(base, 'BASE')
      .replaceAll(some, 'DIR')
      .replaceAll(GENERATED_ROOT, 'ROOT');
    const [total, first] = [median(runs.map((run) => run.total)), median(runs.map((run) => run.first))];
    console.log(`| \`${shown}\` | ${total.toFixed(2)} | ${first.toFixed(2)} | ${runs[0]?.lines} |`);
  }
} finally {
  await database.close();
}
