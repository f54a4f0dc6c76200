import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { COMMAND, catalogWorkplace as workplace } from '../support/catalog-workplace.js';
import { stopWhen } from '../support/stop-when.js';

/** Names so long that the scan ends with some 8 MiB to write. */
const DIRECTORIES = 100;
const NAMES = 200;

/** More than an empty catalog takes. */
const ROWS_ARE_IN_FILE = 1024 * 1024;

type Workplace = ReturnType<typeof workplace>;

/** A first scan that is stopped while its pages go into the file itself, past the log. */
async function stoppedFirstScan({ root, database, env }: Workplace): Promise<ChildProcess> {
  for (;;) {
    rmSync(dirname(database), { recursive: true, force: true });
    const child = spawn(process.execPath, [COMMAND, 'scan', root], { env, stdio: 'ignore' });
    onTestFinished(() => void child.kill('SIGKILL'));
    const isWriting = () =>
      existsSync(`${database}-journal`) &&
      (statSync(database, { throwIfNoEntry: false })?.size ?? 0) > ROWS_ARE_IN_FILE;
    if (await stopWhen(child, isWriting)) return child;
  }
}

test('kill -9 of a first scan while it fills the file leaves an empty catalog, and the next scan works', async () => {
  const place = workplace();
  const { root, database, run } = place;
  const makeFiles = `for d in $(seq ${DIRECTORIES}); do
    mkdir "$1/$d"; (cd "$1/$d" && touch $(seq -f "${'long-name-'.repeat(20)}%g" ${NAMES})); done`;
  execFileSync('sh', ['-c', makeFiles, 'sh', root]);
  const scan = await stoppedFirstScan(place);
  const busy = run('scans');
  expect(busy).toMatchObject({ status: 1, stdout: '' });
  expect(busy.stderr).toMatch(/^filetracker: [^\n]*is writing to the catalog [^\n]*try again[^\n]*\n$/);
  scan.kill('SIGKILL');
  await once(scan, 'exit');
  expect(existsSync(`${database}-journal`)).toBe(true);

  expect(run('scans')).toMatchObject({ status: 0, stdout: '' });
  expect(run('du', root).status).toBe(1);
  const opened = new Database(database, { readonly: true });
  onTestFinished(() => void opened.close());
  for (const table of ['directories', 'files', 'scan_runs', 'file_changes', 'mutation_log']) {
    expect(opened.prepare(`SELECT count(*) FROM ${table}`).pluck().get()).toBe(0);
  }
  expect(opened.pragma('integrity_check', { simple: true })).toBe('ok');
  expect(statSync(database).size).toBeLessThan(ROWS_ARE_IN_FILE);

  expect(run('scan', root).stdout).toMatch(/^scan 1 of .*: 20,000 files, 100 directories/);
  expect(existsSync(`${database}-journal`)).toBe(false);
  expect(run('scan', root).stdout).toBe('scan 2: no changes\n');
});
