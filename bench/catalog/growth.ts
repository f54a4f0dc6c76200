/**
 * Measures how time and memory grow with the tree: first scans, rescans and crawls of 0.1, 1 and 4 million files in
 * directories of 20, then of one directory with as many files as asked for, beside `find -printf`.
 *
 *     node --import tsx bench/catalog/growth.ts [--files 100000,1000000,4000000] [--flat 1000000]
 *
 * The largest trees are removed again.
 */
import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { sqliteFile } from './databases.js';
import { COMMAND, FIND_FORMAT, type Measured, measure } from './measure.js';
import { benchmarkTree } from './tree.js';

const FILES_PER_DIRECTORY = 20;

/** Trees of at most so many files stay for the next run. */
const KEPT = 1_000_000;

const { values } = parseArgs({ options: { files: { type: 'string' }, flat: { type: 'string' } } });
const shapes = [
  ...(values.files ?? '100000,1000000,4000000')
    .split(',')
    .filter((text) => text !== '')
    .map(Number)
    .map((files) => ({ files, directories: files / FILES_PER_DIRECTORY })),
  ...(values.flat === undefined ? [] : [{ files: Number(values.flat), directories: 1 }]),
];

console.log(
  '| files | directories | find s | dry run s | first s | unchanged s | dry MiB | first MiB | unchanged MiB |',
);
console.log('|---|---|---|---|---|---|---|---|---|');
for (const { files, directories } of shapes) {
  const tree = benchmarkTree({ files, directories });
  const database = sqliteFile();
  const place = await database.renew();
  const scan = (...flags: string[]) =>
    measure(process.execPath, [COMMAND, 'scan', '-q', '--database', place, ...flags, tree]);
  const find = () => measure('find', [tree, '-printf', FIND_FORMAT]);
  try {
    await find();
    const found = await find();
    const runs: Measured[] = [];
    for (const flags of [['--dry-run'], [], []]) runs.push(await scan(...flags));
    const cells = [
      files,
      directories,
      ...[found, ...runs].map(({ seconds }) => seconds.toFixed(2)),
      ...runs.map(({ peakMiB }) => peakMiB.toFixed(0)),
    ];
    console.log(`| ${cells.join(' | ')} |`);
  } finally {
    await database.close();
    if (files > KEPT || directories === 1) {
      rmSync(tree, { recursive: true, force: true });
      rmSync(`${tree}.complete`, { force: true });
    }
  }
}
