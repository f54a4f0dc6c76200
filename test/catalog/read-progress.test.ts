import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openCatalog, parseBytePath, type ScanProgress, scan } from '@filetracker/catalog';
import { expect, onTestFinished, test } from 'vitest';
import { ProgressLine } from '../../packages/cli/dist/output/progress-line.js';
import { describeReading } from '../../packages/cli/dist/output/read-progress.js';
import { describeScan } from '../../packages/cli/dist/output/scan-progress.js';
import { COMMAND, catalogWorkplace } from '../support/catalog-workplace.js';

/** One file of 2 MiB, which takes two seconds at this limit. */
const SLOWLY = ['--io-limit', '1MiB', '-j', '1'];
const LINE = /0 of 1 files read, \d+(\.\d)? [KM]iB of 2\.0 MiB, \d+(\.\d)? [KM]iB\/s, about \d\.\d s left/;

function treeOfOneFile() {
  const { root, env, run } = catalogWorkplace();
  writeFileSync(join(root, 'large'), Buffer.alloc(2 * 1024 * 1024));
  /** What the command shows on a terminal, which script(1) gives it. */
  const onTerminal = (...args: readonly string[]) => {
    const command = [process.execPath, COMMAND, ...args].map((word) => `'${word}'`).join(' ');
    return execFileSync('script', ['-qec', command, '/dev/null'], { env, encoding: 'utf8' });
  };
  return { root, run, onTerminal };
}

test('scan and verify show on a terminal how far they are in the middle of a large file', () => {
  const { root, onTerminal } = treeOfOneFile();
  const scanned = onTerminal('scan', '--fingerprint', 'changed', ...SLOWLY, root);
  expect(scanned).toMatch(LINE);
  expect(scanned).toContain('\r\u001b[Kfingerprints: 1 file read (2.0 MiB)\r\n');
  expect(onTerminal('verify', ...SLOWLY, root)).toMatch(LINE);
});

test('nothing is shown under -q and --json', () => {
  const { root, onTerminal } = treeOfOneFile();
  expect(onTerminal('-q', 'scan', '--fingerprint', 'all', ...SLOWLY, root)).not.toContain('files read');
  expect(onTerminal('--json', 'verify', ...SLOWLY, root)).toBe('');
});

test('elsewhere a line comes every ten seconds', () => {
  let now = 0;
  const lines: string[] = [];
  const line = new ProgressLine({ write: (text) => lines.push(String(text)) > 0 }, 'lines', () => now);
  for (; now <= 30_000; now += 1000) {
    const done = { files: now / 1000, bytes: now * 1024 };
    line.update((elapsed) => describeReading(done, { files: 40, bytes: 0 }, elapsed));
  }
  line.clear();
  expect(lines).toEqual([
    'filetracker: 10 of 40 files read, 9.8 MiB, 1000.0 KiB/s, about 30.0 s left\n',
    'filetracker: 20 of 40 files read, 19.5 MiB, 1000.0 KiB/s, about 20.0 s left\n',
    'filetracker: 30 of 40 files read, 29.3 MiB, 1000.0 KiB/s, about 10.0 s left\n',
  ]);
});

test('on a terminal it takes one line, however narrow that is', () => {
  const drawn = (columns: number) => {
    let now = 0;
    const lines: string[] = [];
    const stream = { columns, write: (text: string | Uint8Array) => lines.push(String(text)) > 0 };
    const line = new ProgressLine(stream, 'moving', () => now);
    now = 1000;
    line.update(() => '10 of 40 files read');
    return lines;
  };
  expect(drawn(9)).toEqual(['\r10 of 40\u001b[K']);
  for (const columns of [0, 80]) expect(drawn(columns)).toEqual(['\r10 of 40 files read\u001b[K']);
});

test('a scan whose reading is over says so at once, and not when it is over as a whole a moment later', async () => {
  const { root } = treeOfOneFile();
  const catalog = await openCatalog(join(root, '../catalog.db'), { create: true });
  onTestFinished(() => catalog.close());
  const told: ScanProgress[] = [];
  await scan(catalog, parseBytePath(root), { onProgress: (progress) => told.push(progress) });
  expect(told.map(({ isRead }) => isRead)).toEqual([...told.slice(1).map(() => false), true]);

  let now = 0;
  const lines: string[] = [];
  const line = new ProgressLine({ write: (text) => lines.push(String(text)) > 0 }, 'moving', () => now);
  const show = (progress: ScanProgress) =>
    line.update((elapsed) => describeScan(progress, elapsed), { isLast: progress.isRead });
  now = 100;
  for (const progress of told) show(progress);
  expect(lines).toEqual([]);
  now = 300;
  for (const progress of told) show(progress);
  expect(lines.at(-1)).toBe('\r1 file in 1 directory, writing what came of it\u001b[K');
});
