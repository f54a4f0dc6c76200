import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { largeFile } from './store/large-file.js';
import { recoverFull, recoverNames } from './store/recover.js';
import { getSmall, putSmall } from './store/small-files.js';
import { formatRow, type Row, TABLE_HEAD } from './support/measure.js';

const BENCHMARKS: Readonly<Record<string, (directory: string) => Promise<Row | Row[]>>> = {
  'put-small': putSmall,
  'get-small': getSmall,
  'large-file': largeFile,
  'recover-names': recoverNames,
  'recover-full': recoverFull,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { output: { type: 'string' } },
});
const chosen = positionals.length > 0 ? positionals : Object.keys(BENCHMARKS);
const lines = [
  `${cpus().length} cores (${cpus()[0]?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()},`,
  `Node.js ${process.version}; \`npm run bench -- ${chosen.join(' ')}\`, ${new Date().toISOString().slice(0, 10)}`,
  '',
  TABLE_HEAD,
];
console.log(lines.join('\n'));
for (const name of chosen) {
  const benchmark = BENCHMARKS[name];
  if (!benchmark)
    throw new Error(`there is no benchmark ${name}; there are ${Object.keys(BENCHMARKS).join(', ')}`);
  const directory = mkdtempSync(join(tmpdir(), 'filetracker-bench-'));
  try {
    for (const row of [await benchmark(directory)].flat()) {
      lines.push(formatRow(row));
      console.log(lines.at(-1));
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
if (values.output !== undefined) writeFileSync(values.output, `${lines.join('\n')}\n`);
