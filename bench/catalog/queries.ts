/**
 * Fills a catalog with a generated tree and its history, and measures every query as a user runs it: the whole
 * command, and the time until its first row.
 *
 *     node --import tsx bench/catalog/queries.ts [--files 1000000] [--copies 1] [--rounds 3] [--later-scans 3]
 *         [--postgres [--setting NAME=VALUE]…] [--catalog PLACE] [--only TEXT] [--no-listings] [--command FILE]
 *
 * With --copies that many times so many files are there, copied within the database in a tenth of the time. With
 * --catalog that one is kept, and measured as it is if it is there: a file, or with --postgres the directory of a
 * server's data, or the URL of a database. --only measures the commands that hold a text, --no-listings leaves out
 * those that list everything, --setting starts the server with a setting of its own, --command measures another
 * build's bin/filetracker.js.
 */
import { execFileSync, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readFile, readServer } from './databases.js';
import { fillCatalog } from './fill.js';
import { GENERATED_ROOT, GUEST, someDirectory } from './generated-scan.js';
import { childrenSeconds, median } from './measure.js';

const FILES_PER_DIRECTORY = 20;

const { values } = parseArgs({
  options: {
    files: { type: 'string' },
    copies: { type: 'string' },
    rounds: { type: 'string' },
    postgres: { type: 'boolean' },
    setting: { type: 'string', multiple: true },
    catalog: { type: 'string' },
    'later-scans': { type: 'string' },
    command: { type: 'string' },
    only: { type: 'string' },
    'no-listings': { type: 'boolean' },
  },
});
const COMMAND =
  values.command ?? fileURLToPath(new URL('../../packages/cli/dist/bin/filetracker.js', import.meta.url));
const files = Number(values.files ?? 1_000_000);
const rounds = Number(values.rounds ?? 3);
const shape = { files, directories: files / FILES_PER_DIRECTORY };
const copies = Number(values.copies ?? 1);
const laterScans = Number(values['later-scans'] ?? 3);
const isUrl = values.catalog?.startsWith('postgres://') ?? false;
const database = await (values.postgres && !isUrl
  ? readServer(values.catalog, values.setting)
  : readFile(values.catalog));
const { place } = database;

/** The moment at which the first scan had finished, as the measured command tells it. */
function baseMoment(): string {
  const scans = execFileSync(process.execPath, [COMMAND, 'scans', '--json', '--database', place], {
    encoding: 'utf8',
  });
  const first = scans.trim().split('\n').at(-1) ?? '';
  return (JSON.parse(first) as { readonly finishedAt: string }).finishedAt;
}

/** What one run of a command took, in seconds. */
interface Measured {
  readonly total: number;
  /** Processor time, user and system, of the command alone. */
  readonly cpu: number;
  readonly first: number;
  readonly lines: number;
}

async function measure(args: readonly string[]): Promise<Measured> {
  const before = childrenSeconds();
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
  return { total, cpu: childrenSeconds() - before, first: first ?? total, lines };
}

try {
  if (!database.isFilled) await fillCatalog(place, { ...shape, laterScans, copies });
  const base = baseMoment();
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
    ['find', '--newer', '2026-09-20'],
    ['find', '--user', String(GUEST)],
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
  ];
  const listings = [
    ['find', '--type', 'd'],
    ['find'],
    ['find', '--json'],
    ['as-of', base, '-R', GENERATED_ROOT],
  ];
  console.log(
    `${place.startsWith('postgres://') ? 'PostgreSQL' : 'SQLite'}, ${files * copies} files, medians of ${rounds} rounds; a command that does nothing included`,
  );
  console.log('| command | s | CPU s | first row after s | rows |\n|---|---|---|---|---|');
  for (const args of values['no-listings'] ? commands : [...commands, ...listings]) {
    if (!args.join(' ').includes(values.only ?? '')) continue;
    const runs: Measured[] = [];
    for (let round = 0; round < rounds; round++) runs.push(await measure(args));
    const shown = args
      .join(' ')
      .replaceAll(base, 'BASE')
      .replaceAll(some, 'DIR')
      .replaceAll(GENERATED_ROOT, 'ROOT');
    const [total, cpu, first] = (['total', 'cpu', 'first'] as const).map((figure) =>
      median(runs.map((run) => run[figure])).toFixed(2),
    );
    console.log(`| \`${shown}\` | ${total} | ${cpu} | ${first} | ${runs[0]?.lines} |`);
  }
} finally {
  await database.close();
}
