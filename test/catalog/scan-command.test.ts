import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { COMMAND, catalogWorkplace as workplace } from '../support/catalog-workplace.js';
import { newDatabase, query } from '../support/postgres-database.js';
import { stopWhen } from '../support/stop-when.js';

test('scan, changes and scans tell what happened to a tree', () => {
  const { root, database, run, json } = workplace();
  writeFileSync(join(root, 'stays'), 'x'.repeat(2048));
  writeFileSync(join(root, 'moves'), 'abc');
  writeFileSync(join(root, 'goes'), '12345');
  expect(run('scan', '--dry-run', root).stdout).toMatch(/^dry run of .*: 3 files, /);
  expect(run('scans')).toMatchObject({ status: 1, stderr: expect.stringMatching(/no catalog/) as string });
  expect(existsSync(dirname(database))).toBe(false);
  const first = run('scan', root);
  expect(first).toMatchObject({ status: 0, stderr: '' });
  expect(first.stdout).toMatch(
    /^scan 1 of .*a tree-1: 3 files, 0 directories, 2\.0 KiB in [\d.]+ s \([\d,]+ files\/s\)\n$/,
  );
  expect(run('scan', root).stdout).toBe('scan 2: no changes\n');
  mkdirSync(join(root, 'new'));
  renameSync(join(root, 'moves'), join(root, 'new', 'moved\n'));
  rmSync(join(root, 'goes'));
  writeFileSync(join(root, 'stays'), 'x'.repeat(4096));
  expect(run('scan', '--dry-run', root).stdout).toMatch(
    /^dry run: ~1 modified \(\+2\.0 KiB\) {2}→1 renamed {2}-1 removed/,
  );
  expect(run('scan', root).stdout).toBe(
    'scan 3: ~1 modified (+2.0 KiB)  →1 renamed  -1 removed (5 B)  +1 directory\n',
  );
  expect(
    json('changes').map(({ kind, path }) => `${String(kind)} ${String(path).slice(root.length)}`),
  ).toEqual(['removed /goes', 'renamed /new/moved\n', 'new /new', 'modified /stays']);
  const shown = run('changes', '--kind', 'renamed', '--since', '1h', join(root, 'new'));
  expect(shown.stdout).toMatch(/→ +3 B {2}.*\/new\/moved\\n {2}\(was .*\/moves\)\n$/);
  expect(json('changes', '--since', '1h', '--min-size', '4KiB')).toMatchObject([
    { changed: ['size', 'mtime'] },
  ]);
  expect(run('changes', '--until', '2020-01-01').stdout).toBe('');
  expect(json('scans').map(({ id }) => id)).toEqual([3, 2, 1]);
});

test('a dry run leaves a PostgreSQL database as it is: an empty one, and one that knows other machines', async () => {
  const { root, run } = workplace();
  writeFileSync(join(root, 'a'), 'abc');
  const database = await newDatabase();
  const scan = (...args: string[]) => run('scan', '--database', database, ...args, root);
  expect(scan('--dry-run', '--host', 'one')).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^dry run of .*: 1 file, /) as string,
  });
  const schemas = "SELECT FROM pg_namespace WHERE nspname LIKE 'filetracker%'";
  expect(await query(database, schemas)).toEqual([]);
  expect(scan('--host', 'one').status).toBe(0);
  writeFileSync(join(root, 'b'), 'bc');
  expect(scan('--dry-run', '--host', 'two').stdout).toMatch(/^dry run of .*: 2 files, /);
  expect(await query(database, 'SELECT name FROM filetracker.hosts')).toEqual([{ name: 'one' }]);
  expect(scan('--dry-run', '--host', 'one').stdout).toMatch(/^dry run: \+1 new/);
});

test('names that are no UTF-8 are exact in --json and harmless in text', () => {
  const { root, run, json } = workplace();
  run('scan', '--allow-empty', root);
  const name = Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x63, 0x61, 0x66, 0xe9, 0x1b])]);
  writeFileSync(name, '');
  run('scan', root);
  expect(run('changes').stdout).toContain('caf\\xe9\\x1b');
  const [change] = json('changes');
  expect(Buffer.from(String(change?.['pathBase64']), 'base64').equals(name)).toBe(true);
});

test.each([
  ['a root that is missing', (root: string) => [`${root}/missing`], 1, /no such file or directory/],
  ['a root that is a file', (root: string) => [`${root}/file`], 1, /it is not a directory/],
  ['a pattern that means nothing', (root: string) => ['--exclude', 'a\\', root], 2, /ends in a backslash/],
  ['more threads than make sense', (root: string) => ['-j', '100000', root], 2, /at most 256/],
  ['a catalog that is a directory', (root: string) => ['--database', root, root], 1, /it is a directory/],
  [
    'a catalog where no directory can be made',
    (root: string) => ['--database', '/proc/no/x.db', root],
    1,
    /its directory cannot be made/,
  ],
  ['a number that is none', (root: string) => ['-j', 'many', root], 2, /whole number/],
])('%s is one clear line', (_, args, status, message) => {
  const { root, run } = workplace();
  writeFileSync(join(root, 'file'), '');
  const failed = run('scan', ...args(root));
  expect(failed.status).toBe(status);
  expect(failed.stderr).toMatch(message);
  expect(failed.stderr.trimEnd()).not.toContain('\n');
});

test('a root that is suddenly empty aborts unless that is allowed', () => {
  const { root, run } = workplace();
  writeFileSync(join(root, 'file'), '');
  run('scan', root);
  rmSync(join(root, 'file'));
  const refused = run('scan', root);
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain('knows 1 file in it: is it mounted?');
  expect(run('scans').stdout.trimEnd().split('\n')).toHaveLength(1);
  expect(run('scan', '--allow-empty', root).stdout).toContain('-1 removed');
});

test('changes of a catalog that is not there says what makes one', () => {
  const failed = workplace().run('changes');
  expect(failed.status).toBe(1);
  expect(failed.stderr).toContain('filetracker scan DIR');
});

/** Whether a process reads directories below a root: it has one open. */
function isCrawling({ pid }: ChildProcess, root: string): boolean {
  const descriptors = `/proc/${pid}/fd`;
  try {
    return readdirSync(descriptors).some((fd) => readlinkSync(`${descriptors}/${fd}`).startsWith(`${root}/`));
  } catch {
    return false; // One was closed meanwhile.
  }
}

/** A second scan, of a tree that has become twice as large, that is stopped in the middle. */
async function stoppedScan({ root, database, env, run }: ReturnType<typeof workplace>) {
  for (;;) {
    const child = spawn(process.execPath, [COMMAND, 'scan', root], {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const said = text(child.stderr);
    if (await stopWhen(child, () => isCrawling(child, root))) return { child, said };
    // It takes less than a second, in which a busy machine may not look: once more, from the beginning.
    rmSync(dirname(database), { recursive: true });
    execFileSync('sh', ['-c', 'mkdir "$1" && mv "$2"/new* "$1"', 'sh', `${root}-new`, root]);
    run('scan', root);
    execFileSync('sh', ['-c', 'mv "$1"/new* "$2" && rmdir "$1"', 'sh', `${root}-new`, root]);
  }
}

test('Ctrl-C and kill -9 in the middle of a scan leave the catalog as it was', async () => {
  const place = workplace();
  const { root, run, json } = place;
  const makeFiles = `for d in $(seq 120); do mkdir "$1/$2$d"; (cd "$1/$2$d" && touch $(seq 250)); done`;
  execFileSync('sh', ['-c', makeFiles, 'sh', root, 'old']);
  run('scan', root);
  execFileSync('sh', ['-c', makeFiles, 'sh', root, 'new']);
  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    const { child, said } = await stoppedScan(place);
    child.kill(signal);
    child.kill('SIGCONT');
    await once(child, 'exit');
    const isTold = (await said).endsWith('interrupted: the catalog stays as it was\n');
    expect(isTold).toBe(signal === 'SIGINT');
    const runs = json('scans');
    const totals = runs[0]?.['totals'] as { readonly files: number };
    expect([runs.length, totals.files]).toEqual([1, 30_000]);
  }
  expect(run('scan', root).stdout).toContain('+30,000 new');
});

test('Ctrl-C while files are read for fingerprints keeps what was recorded, and says how to go on', async () => {
  const { root, env, json } = workplace();
  writeFileSync(join(root, 'a'), Buffer.alloc(100_000));
  const args = [COMMAND, 'scan', '--fingerprint', 'all', '--io-limit', '1', root];
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = text(child.stderr);
  await once(child.stdout, 'data');
  child.kill('SIGINT');
  expect(await once(child, 'exit')).toEqual([130, null]);
  expect(await said).toMatch(/^interrupted: what was read is recorded, --fingerprint all reads the rest\n$/m);
  expect(json('scans')).toMatchObject([{ totals: { files: 1 } }]);
});
