import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { filetracker, scriptOf, startFiletracker } from '../support/filetracker-process.js';
import { isRoot } from '../support/root.js';
import { run } from '../support/server-command.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

let cwd: string;
beforeEach(() => {
  cwd = temporaryDirectory();
});

/** A cached file of so many KiB. */
function cached(path: string, kib: number, version: number, accessed = version): void {
  const full = join(cwd, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, Buffer.alloc(kib * 1024));
  utimesSync(full, accessed, version);
}

const clean = (...args: string[]) =>
  filetracker(['--once', ...args], { cwd, program: 'filetracker-cache-cleaner' });

const left = (cache = '.cache') =>
  (readdirSync(join(cwd, cache, 'files'), { recursive: true }) as string[]).sort();

it('does nothing below the limit, and above it removes the oldest, and of equal ones the largest', async () => {
  cached('.cache/files/d/old', 10, 100);
  cached('.cache/files/same-small', 10, 200);
  cached('.cache/files/same-large', 20, 200);
  cached('.cache/files/new', 10, 300);
  expect(await clean('-s', '50K')).toEqual({ code: 0, stdout: '', stderr: '' });
  const { code, stderr } = await clean('-s', '49K', '-p', '50');
  expect(code).toBe(0);
  expect(stderr).toBe('4 files of 50.0 KiB, limit 49.0 KiB; removed 2 files of 30.0 KiB\n');
  // The directory that became empty is gone, too.
  expect(left()).toEqual(['new', 'same-small']);
});

it('--policy access removes what was not read for longest', async () => {
  cached('.cache/files/old-but-read', 10, 100, 2_000_000_000);
  cached('.cache/files/new-unread', 10, 1_000_000_000, 1_000_000_001);
  await clean('-s', '15K', '-p', '90', '--policy', 'access');
  expect(left()).toEqual(['old-but-read']);
});

it.runIf(isRoot)('a file that cannot be removed is told, and the others go', async () => {
  const names = Array.from({ length: 40 }, (_, index) => `${index}`);
  for (const name of names) cached(`.cache/files/d${name}/f`, 10, 100);
  const stuck = join(cwd, '.cache/files/d7');
  // Not even root removes a file there.
  execFileSync('mount', ['--bind', stuck, stuck]);
  onTestFinished(() => void execFileSync('umount', [stuck]));
  execFileSync('mount', ['-o', 'remount,ro,bind', stuck]);
  const { code, stderr } = await clean('-s', '1K', '-p', '0');
  expect(code).toBe(1);
  expect(stderr).toMatch(/^filetracker-cache-cleaner: .*\/files\/d7\/f: read-only file system$/m);
  expect(stderr).toMatch(/removed 39 files of 390.0 KiB; 1 file failed$/m);
  expect(left()).toEqual(['d7', 'd7/f']);
});

it.runIf(isRoot)('a directory that may not be read is told once, and the others are cleaned', async () => {
  cached('.cache/files/open/a', 10, 100);
  cached('.cache/files/shut/b', 10, 100);
  cached('.cache/files/shut-names/c', 10, 100);
  const everybody = ['', '.cache', '.cache/files', '.cache/files/open'];
  for (const path of everybody) chmodSync(join(cwd, path), 0o777);
  chmodSync(join(cwd, '.cache/files/shut'), 0);
  // Its names can be read, and nothing else.
  chmodSync(join(cwd, '.cache/files/shut-names'), 0o444);
  const unprivileged = ['--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all'];
  const command = [process.execPath, scriptOf('filetracker-cache-cleaner'), '--once', '-s', '1K'];
  const cache = join(cwd, '.cache');
  const { code, stderr } = await run(['setpriv', ...unprivileged, ...command, '-c', cache]);
  expect(code).toBe(1);
  const lines = stderr.trimEnd().split('\n');
  expect(new Set(lines.slice(0, -1))).toEqual(
    new Set(
      ['shut', 'shut-names'].map(
        (name) => `filetracker-cache-cleaner: cannot read ${cache}/files/${name}: permission denied`,
      ),
    ),
  );
  expect(lines).toHaveLength(3);
  expect(lines.at(-1)).toMatch(/removed 1 file of 10\.0 KiB; 2 directories unreadable$/);
  expect(left()).toEqual(['shut', 'shut-names', 'shut-names/c', 'shut/b']);

  chmodSync(join(cwd, '.cache/files/shut'), 0o777);
  const again = await run(['setpriv', ...unprivileged, ...command, '-c', cache]);
  expect(again.stderr).toMatch(/removed 1 file of 10\.0 KiB; 1 directory unreadable$/m);
});

it('--dry-run says what would go; --json says it for programs', async () => {
  cached('.cache/files/a', 10, 100);
  cached('.cache/files/b', 10, 200);
  const dry = await clean('-s', '1B1K', '--dry-run');
  expect(dry.stdout.split('\n').sort()).toEqual([
    '',
    ...['a', 'b'].map((name) => join(cwd, '.cache/files', name)),
  ]);
  expect(left()).toEqual(['a', 'b']);
  const json = await clean('-s', '10K', '-p', '100', '--json');
  expect(JSON.parse(json.stdout)).toEqual({
    caches: 1,
    limit: 10_240,
    files: 2,
    bytes: 20_480,
    removedFiles: 1,
    removedBytes: 10_240,
    usedFiles: 0,
    failedFiles: 0,
    failedDirectories: 0,
  });
});

it('refuses to look again without any time in between', async () => {
  expect(await clean('-s', '1M', '-i', '0s')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/a second at least/) as string,
  });
});

it('takes several caches together, by patterns', async () => {
  cached('one/store/files/a', 10, 100);
  cached('two/store/files/b', 10, 50);
  cached('two/other/files/c', 10, 1);
  const patterns = ['-c', `${cwd}/*/sto?e`, '-c', `${cwd}/one/../one/store/`];
  const { stdout } = await clean('-s', '15K', '-p', '70', '--json', ...patterns);
  expect(JSON.parse(stdout)).toMatchObject({ caches: 2, files: 2 });
  expect(left('one/store')).toEqual(['a']);
  expect(left('two/store')).toEqual([]);
  expect(left('two/other')).toEqual(['c']);
});

it('knows the long flags of the Python cleaner', async () => {
  cached('one/files/a', 10, 100);
  cached('two/files/b', 10, 50);
  const caches = ['--cache-dirs', `${cwd}/one`, `${cwd}/two`];
  const limits = ['--cache-size-limit', '15K', '--percent-cleaning-level', '70', '--scan-interval', '30m'];
  expect(await clean('--json', ...caches, ...limits)).toMatchObject({ code: 0 });
  expect([left('one'), left('two')]).toEqual([['a'], []]);
});

it('a directory that is no cache is told, and the others are cleaned; one without anything yet is fine', async () => {
  cached('cache/files/a', 10, 100);
  cached('project/src/b', 10, 100);
  for (const path of ['empty', 'new/locks', 'new/tmp']) mkdirSync(join(cwd, path), { recursive: true });
  expect(await clean('-s', '1K', '-c', join(cwd, '*'))).toEqual({
    code: 1,
    stdout: '',
    stderr: [
      `filetracker-cache-cleaner: ${cwd}/project is no cache of a filetracker client: it has no files/`,
      '1 file of 10.0 KiB, limit 1.0 KiB; removed 1 file of 10.0 KiB',
      '',
    ].join('\n'),
  });
  expect(left('cache')).toEqual([]);
  expect(existsSync(join(cwd, 'project/src/b'))).toBe(true);
  for (const fine of ['empty', 'new', 'cache']) {
    expect(await clean('-s', '1K', '-c', join(cwd, fine))).toEqual({ code: 0, stdout: '', stderr: '' });
  }
});

it('leaves alone what a client has locked', async () => {
  cached('.cache/files/used', 10, 100);
  cached('.cache/files/unused', 10, 200);
  const lock = join(cwd, '.cache/locks/used');
  mkdirSync(dirname(lock), { recursive: true });
  const holder = spawn('flock', ['-s', lock, 'sh', '-c', 'echo locked; read line'], { stdio: 'pipe' });
  await once(holder.stdout, 'data');
  const dry = await clean('-s', '1K', '--dry-run');
  expect(dry.stdout).toBe(`${join(cwd, '.cache/files/unused')}\n`);
  expect(dry.stderr).toMatch(/would remove 1 file of 10\.0 KiB; 1 file in use/);
  // It leaves no lock file either.
  expect(readdirSync(dirname(lock))).toEqual(['used']);
  const { stderr } = await clean('-s', '1K');
  expect(stderr).toMatch(/removed 1 file of 10\.0 KiB; 1 file in use/);
  expect(left()).toEqual(['used']);
  holder.stdin.end('\n');
  await once(holder, 'close');
  await clean('-s', '1K');
  expect(left()).toEqual([]);
  expect(existsSync(lock)).toBe(false);
});

it('looks again every interval, until it is stopped, also while there is no cache', async () => {
  const child = startFiletracker(['-s', '1K', '-i', '1s', '-d'], {
    cwd,
    program: 'filetracker-cache-cleaner',
  });
  const [first] = (await once(child.stderr, 'data')) as [Buffer];
  expect(String(first)).toMatch(/warning: there is no cache in .*\.cache yet/);
  cached('made/files/b', 10, 100);
  // At once: it may look in the middle of anything else.
  renameSync(join(cwd, 'made'), join(cwd, '.cache'));
  let said = '';
  while (!said.includes('files/b')) said += String((await once(child.stderr, 'data'))[0]);
  child.kill('SIGTERM');
  expect((await once(child, 'close'))[0]).toBe(143);
  expect(left()).toEqual([]);
});

it.each([
  [[], /-s, --cache-size-limit/],
  [['-s', '10X'], /It must be a size such as 10G/],
  [['-s', '1G', '-i', '1x'], /It must be a time such as 90s/],
  [['-s', '1G', '-p', '101'], /from 0 to 100/],
  [['-s', '1G', '-c', '/nowhere/*'], /there is no cache in/],
] as const)('%j is wrong, exit code 2', async (args, message) => {
  const { code, stderr } = await clean(...args);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
});
