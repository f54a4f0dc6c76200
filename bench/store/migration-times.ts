/**
 * CPU seconds that a migration takes, from which MIGRATING.md says how long one will be:
 *
 *     node --import tsx bench/store/migration-times.ts [--gib 3] [--files 100000]
 *
 * Contents are source text, in files of 64 MiB and of 4 KiB.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { scriptOf } from '../../test/support/filetracker-process.js';
import { cpuSeconds } from '../support/command.js';
import { writeLargeFile } from '../support/large-content.js';

const { values } = parseArgs({
  options: { gib: { type: 'string', default: '3' }, files: { type: 'string', default: '100000' } },
});
const gib = Number(values.gib);
const files = Number(values.files);

const PART_BYTES = 64 * 2 ** 20;
const SMALL_BYTES = 4096;

/** Source text in files of 64 MiB. */
function makeLargeTree(tree: string): void {
  mkdirSync(tree);
  const whole = join(dirname(tree), 'whole');
  const part = Buffer.alloc(PART_BYTES);
  for (let index = 0; index < gib; index++) {
    writeLargeFile(whole, index);
    const fd = openSync(whole, 'r');
    for (let at = 0; readSync(fd, part, 0, PART_BYTES, at) > 0; at += PART_BYTES) {
      writeFileSync(join(tree, `${index}-${at / PART_BYTES}`), part);
    }
    closeSync(fd);
  }
  rmSync(whole);
}

/** The directory of a Python server with the files of a tree. */
function makePythonDirectory(tree: string, directory: string): void {
  mkdirSync(join(directory, 'links'), { recursive: true });
  for (const name of readdirSync(tree)) {
    const content = readFileSync(join(tree, name));
    const digest = createHash('sha256').update(content).digest('hex');
    const blob = join('blobs', digest.slice(0, 2), digest);
    mkdirSync(dirname(join(directory, blob)), { recursive: true });
    writeFileSync(join(directory, blob), gzipSync(content));
    symlinkSync(join('..', blob), join(directory, 'links', name));
  }
}

function makeSmallTree(tree: string): void {
  const line = Buffer.alloc(SMALL_BYTES, 'some text that compresses as source text does, 0123456789\n');
  for (let index = 0; index < files; index++) {
    const directory = join(tree, `d${Math.floor(index / 500)}`);
    if (index % 500 === 0) mkdirSync(directory, { recursive: true });
    writeFileSync(
      join(directory, `${index}`),
      Buffer.concat([Buffer.from(`${index}\n`), line]).subarray(0, SMALL_BYTES),
    );
  }
}

const migrate = (...args: string[]) =>
  cpuSeconds(process.execPath, scriptOf('filetracker-migrate'), '-s', ...args);

const directory = mkdtempSync(join(tmpdir(), 'filetracker-bench-'));
const at = (name: string) => join(directory, name);
const row = (work: string, cpu: number, scale: number, unit: string) =>
  console.log(`| ${work} | ${cpu.toFixed(1)} s | ${((cpu * scale) / 60).toFixed(1)} minutes for ${unit} |`);
try {
  console.log('| work | CPU | |\n|---|---|---|');
  makeLargeTree(at('large'));
  row(`${gib} GiB, \`--to\``, await migrate(at('large'), '--to', at('plain')), 100 / gib, '100 GiB');
  const out = [scriptOf('filetracker-export'), '-q', '--store', at('plain'), at('exported')];
  row(
    `${gib} GiB, \`filetracker-export --store\``,
    await cpuSeconds(process.execPath, ...out),
    100 / gib,
    '100 GiB',
  );
  for (const name of ['exported', 'plain']) rmSync(at(name), { recursive: true });
  makePythonDirectory(at('large'), at('python'));
  rmSync(at('large'), { recursive: true });
  const imported = await migrate('--from-python', at('python'), '--to', at('imported'));
  row(`${gib} GiB, \`--from-python … --to\``, imported, 100 / gib, '100 GiB');
  for (const name of ['python', 'imported']) rmSync(at(name), { recursive: true });
  makeSmallTree(at('small'));
  const small = await migrate(at('small'), '--to', at('smalls'));
  row(`${files.toLocaleString('en')} files of 4 KiB, \`--to\``, small, 1_000_000 / files, 'a million');
} finally {
  rmSync(directory, { recursive: true, force: true });
}
