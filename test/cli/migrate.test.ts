import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { FileTrackerClient } from '@filetracker/client';
import { beforeEach, expect, it, vi } from 'vitest';
import { collect } from '../support/collect.js';
import { incompressible, sha256 } from '../support/contents.js';
import {
  type CommandResult,
  filetracker,
  scriptOf,
  startFiletracker,
} from '../support/filetracker-process.js';
import { PATIENTLY } from '../support/patiently.js';
import { startPythonLikeServer } from '../support/python-server.js';
import { isRoot } from '../support/root.js';
import { run as runCommand } from '../support/server-command.js';
import { suiteServer } from '../support/suite-server.js';
import { startTcpProxy } from '../support/tcp-proxy.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const server = suiteServer();
let cwd: string;
let prefix: string;
let counter = 0;

beforeEach(() => {
  cwd = temporaryDirectory();
  prefix = `/t${counter++}`;
});

function file(path: string, content: string | Buffer, version = 1_600_000_000): void {
  const full = join(cwd, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, content);
  utimesSync(full, version, version);
}

function run(...args: readonly string[]): Promise<CommandResult> {
  return filetracker([...args, server.process.url], { cwd, program: 'filetracker-migrate' });
}

/** What `--json` says in the end. */
interface Summary {
  readonly stored: number;
  readonly unchanged: number;
  readonly newer: number;
  readonly deleted: number;
  readonly failed: number;
  readonly bytes: number;
}

/** Runs it and returns the summary. */
async function summary(...args: readonly string[]) {
  const { code, stdout, stderr } = await run('--json', ...args);
  return { code, stderr, ...(JSON.parse(stdout) as Summary) };
}

async function stored(): Promise<Record<string, unknown>> {
  const client = new FileTrackerClient({ localStore: 'none', remoteUrl: server.process.url });
  try {
    const files = await collect(client.listFiles({ directory: prefix }));
    return Object.fromEntries(
      files.map(({ name, stat }) => [name.slice(prefix.length), [stat?.version, stat?.digest]]),
    );
  } catch {
    return {};
  } finally {
    await client.close();
  }
}

async function receivedBytes(): Promise<number> {
  const metrics = await (await fetch(`${server.process.url}/metrics`)).text();
  return Number(/^filetracker_received_bytes_total (\d+)$/m.exec(metrics)?.[1]);
}

it('stores a tree once: paths are names, modification times are versions', async () => {
  file('files/a', 'same');
  file('files/a-b', 'x', 0);
  file('files/a/../deep/er/ż%20@7', 'same', 1_700_000_000);
  file('files/large', incompressible('large', 3_000_000));
  const first = await summary('files', '--prefix', prefix);
  expect(first).toMatchObject({ code: 0, stderr: '', stored: 4, unchanged: 0, failed: 0, bytes: 3_000_009 });
  const expected = {
    a: [1_600_000_000, sha256(Buffer.from('same'))],
    'a-b': [0, sha256(Buffer.from('x'))],
    'deep/er/ż%20@7': [1_700_000_000, sha256(Buffer.from('same'))],
    large: [1_600_000_000, sha256(incompressible('large', 3_000_000))],
  };
  expect(await stored()).toEqual(expected);
  expect(await summary('files', '--prefix', prefix)).toMatchObject({ code: 0, stored: 0, unchanged: 4 });
});

it('names are the paths below --root; a file may stand alone', async () => {
  file('files/sub/x', '1');
  file('files/other', '2');
  expect((await summary('--prefix', prefix, '--root', 'files', 'files/sub')).stored).toBe(1);
  expect((await summary('--prefix', prefix, 'files/other')).stored).toBe(1);
  expect(Object.keys(await stored())).toEqual(['other', 'sub/x']);
  const outside = await run('--root', 'files/sub', 'files/other');
  expect(outside).toMatchObject({
    code: 2,
    stderr: 'filetracker-migrate: files/other is not below files/sub\n',
  });
  expect(await run('--root', 'none', 'files')).toMatchObject({
    code: 2,
    stderr: 'filetracker-migrate: cannot read none: no such file or directory\n',
  });
});

it('a changed file is sent again; one that is newer on the server stays', async () => {
  file('files/changed', 'one', 100);
  file('files/older', 'old', 100);
  await summary('files', '--prefix', prefix);
  file('files/changed', 'two', 200);
  file('files/older', 'odd', 50);
  expect(await summary('files', '--prefix', prefix)).toMatchObject({ code: 0, stored: 1, newer: 1 });
  // The same version with another content: the digest tells.
  file('files/changed', 'six', 200);
  expect(await summary('files', '--prefix', prefix)).toMatchObject({ code: 0, stored: 1, newer: 1 });
  expect(await stored()).toEqual({
    changed: [200, sha256(Buffer.from('six'))],
    older: [100, sha256(Buffer.from('old'))],
  });
});

it('a content that is there under another name or version is not sent', async () => {
  for (let index = 0; index < 20; index++) file(`files/${index}`, incompressible(`asked ${index}`, 30_000));
  const sent = async (...args: readonly string[]) => {
    const before = await receivedBytes();
    expect(await summary('files', ...args)).toMatchObject({ code: 0, stored: 20 });
    return (await receivedBytes()) - before;
  };
  expect(await sent('--prefix', prefix)).toBeGreaterThan(600_000);
  expect(await sent('--prefix', `${prefix}/copy`)).toBeLessThan(30_000);
  for (let index = 0; index < 20; index++) utimesSync(join(cwd, `files/${index}`), 0, 1_700_000_000);
  expect(await sent('--prefix', prefix)).toBeLessThan(30_000);
});

it('a small file that was only touched is not sent', async () => {
  const touch = (version: number) => {
    for (let index = 0; index < 200; index++)
      file(`files/${index}`, incompressible(`touched ${index}`, 4000), version);
  };
  touch(1_600_000_000);
  await summary('files', '--prefix', prefix);
  touch(1_600_000_001);
  const before = await receivedBytes();
  // As another machine would, which remembers nothing.
  expect(await summary('files', '--prefix', prefix, '--read-all')).toMatchObject({ code: 0, stored: 200 });
  expect((await receivedBytes()) - before).toBeLessThan(200_000);
});

it('tells what the store cannot hold, stores the rest, and ends with 1', async () => {
  file('files/good', 'x');
  symlinkSync('good', join(cwd, 'files/link'));
  execFileSync('mkfifo', [join(cwd, 'files/pipe')]);
  file('files/new\nline', 'x');
  file('files/ancient', 'x');
  execFileSync('touch', ['-d', '1960-01-01', join(cwd, 'files/ancient')]);
  writeFileSync(Buffer.concat([Buffer.from(join(cwd, 'files/')), Buffer.from([0x66, 0xff])]), 'x');
  const result = await run('files', '--prefix', prefix);
  expect(result.code).toBe(1);
  expect(result.stderr.split('\n').sort()).toEqual([
    '',
    '1 file stored (1 B), 0 files there already, 5 files failed in 0.0 s'.replace(
      '0.0',
      seconds(result.stderr),
    ),
    `filetracker-migrate: ${prefix}/ancient: its modification time is not between 1970 and the year 9999`,
    `filetracker-migrate: ${prefix}/f\\xff: its name is no UTF-8`,
    `filetracker-migrate: ${prefix}/link: it is a symbolic link, which the store cannot hold`,
    `filetracker-migrate: ${prefix}/new\\nline: a name must not contain control characters`,
    `filetracker-migrate: ${prefix}/pipe: it is a named pipe, which the store cannot hold`,
  ]);
  expect(Object.keys(await stored())).toEqual(['good']);
});

function seconds(stderr: string): string {
  return / in ([\d.]+) s/.exec(stderr)?.[1] ?? '';
}

it('--exclude leaves out, --dry-run changes nothing, --delete makes a mirror below a prefix', async () => {
  for (const name of ['keep', 'gone', 'logs/x.log', 'deep/a.log', 'deep/b']) file(`files/${name}`, name);
  await summary('files', '--prefix', prefix);
  rmSync(join(cwd, 'files/gone'));
  rmSync(join(cwd, 'files/logs'), { recursive: true });
  symlinkSync('keep', join(cwd, 'files/logs'));
  file('files/new', 'new');
  const mirror = ['files', '--prefix', prefix, '--delete', '--exclude', '*.log', '--exclude', '/none/'];
  const dry = await run(...mirror, '--dry-run');
  expect(dry.stdout).toBe(`delete ${prefix}/gone\nstore ${prefix}/new@1600000000 (3 B)\n`);
  expect(Object.keys(await stored())).toHaveLength(5);
  // What is left out for whatever reason keeps its place in the mirror.
  expect(await summary(...mirror)).toMatchObject({ code: 1, deleted: 1, stored: 1, unchanged: 2, failed: 1 });
  expect(Object.keys(await stored())).toEqual(['deep/a.log', 'deep/b', 'keep', 'logs/x.log', 'new']);
  expect(await run('files', '--delete')).toMatchObject({ code: 2, stdout: '' });
});

it('--to takes no URL, and makes no directory of one', async () => {
  file('files/a', 'a');
  const setting = { cwd, program: 'filetracker-migrate' as const };
  const refused = await filetracker(['files', '--to', server.process.url], setting);
  expect(refused).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/--to takes the directory/) as string,
  });
  expect(readdirSync(cwd)).toEqual(['files']);
});

it('a file that changes while it is read is never stored torn', async () => {
  file('files/log', Buffer.alloc(1_000_000));
  const child = startFiletracker(['files', '--prefix', prefix, server.process.url], {
    cwd,
    program: 'filetracker-migrate',
  });
  let writes = 0;
  const writer = setInterval(() => appendFileSync(join(cwd, 'files/log'), `${writes++}\n`), 1);
  await once(child, 'close');
  clearInterval(writer);
  // Whatever it stored, if anything, is what the file was at one moment: zeros and whole lines after them.
  const client = new FileTrackerClient({ localStore: 'none', remoteUrl: server.process.url });
  const found = await client.getStream(`${prefix}/log`).catch(() => undefined);
  if (found) {
    const text = Buffer.concat((await found.stream.toArray()) as Buffer[])
      .subarray(1_000_000)
      .toString();
    const whole = Array.from({ length: writes }, (_, index) => `${index}\n`).join('');
    expect(whole.startsWith(text)).toBe(true);
  }
  await client.close();
});

it('goes on where it was after Ctrl-C', async () => {
  for (let index = 0; index < 400; index++) file(`files/${index}`, incompressible(String(index), 100_000));
  // Half of them get through two connections, however late this one learns of it.
  const proxy = await startTcpProxy(server.port);
  proxy.holdAfter(10_000_000);
  const child = startFiletracker(['-v', '-j', '2', 'files', '--prefix', prefix, proxy.url], {
    cwd,
    program: 'filetracker-migrate',
  });
  let said = '';
  let interrupted = false;
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    // Once: a second Ctrl-C ends it without an exit code of its own.
    if (!interrupted && said.split('\n').length > 20) interrupted = child.kill('SIGINT');
  });
  const [code] = (await once(child, 'close')) as [number];
  expect(code).toBe(130);
  expect(said).toMatch(/^broken off: \d+ files stored \(.*\), .*; run it again to go on$/m);
  const rest = await summary('files', '--prefix', prefix);
  expect(rest).toMatchObject({ code: 0, failed: 0 });
  expect(rest.unchanged).toBeGreaterThan(10);
  expect(rest.unchanged + rest.stored).toBe(400);
});

it('a refused file among small ones fails alone', async () => {
  file('first/taken', 'x');
  await summary('first', '--prefix', `${prefix}/d50`);
  for (let index = 0; index < 100; index++) file(`files/d${index}`, String(index));
  const result = await run('--json', 'files', '--prefix', prefix);
  expect(JSON.parse(result.stdout)).toMatchObject({ stored: 99, failed: 1 });
  expect(result).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`"${prefix}/d50: cannot be a file: it is a directory`) as string,
  });
});

it('goes on where it was after kill -9 in the middle of small files, and reads what changed since', async () => {
  const count = 3000;
  for (let index = 0; index < count; index++) file(`files/${index % 50}/${index}`, `content ${index}`);
  const args = ['-v', 'files', '--prefix', prefix, server.process.url];
  const child = startFiletracker(args, { cwd, program: 'filetracker-migrate' });
  let said = 0;
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString().split('\n').length;
    if (said > 200) child.kill('SIGKILL');
  });
  await once(child, 'close');
  file('files/0/0', 'changed 0');
  const rest = await summary('files', '--prefix', prefix);
  expect(rest).toMatchObject({ code: 0, failed: 0 });
  expect(rest.unchanged).toBeGreaterThan(100);
  expect(rest.unchanged + rest.stored).toBe(count);
  const files = await stored();
  expect(Object.keys(files)).toHaveLength(count);
  expect(files['0/0']).toEqual([1_600_000_000, sha256(Buffer.from('changed 0'))]);
});

it('sends again what is remembered where the server has lost it', async () => {
  for (let index = 0; index < 10; index++) file(`files/${index}`, `content ${index}`);
  file('files/large', incompressible('lost', 200_000));
  await summary('files', '--prefix', prefix);
  await vi.waitFor(async () => {
    await summary('files', '--prefix', `${prefix}/other`);
    expect(statSync(memory()).size).toBeGreaterThan(11 * 66);
  }, PATIENTLY);
  expect(await summary('files', '--prefix', `${prefix}/third`)).toMatchObject({ stored: 11, code: 0 });
  expect(await summary('files', '--prefix', `${prefix}/fourth`, '--read-all')).toMatchObject({ stored: 11 });
  expect(await stored()).toMatchObject({
    'third/3': [1_600_000_000, sha256(Buffer.from('content 3'))],
    'third/large': [1_600_000_000, sha256(incompressible('lost', 200_000))],
  });
});

it('equal small contents of one run are sent once, in one batch or in several under way at once', async () => {
  const distinct = 120;
  const size = 12_000;
  const copies = ['aa', 'ab', 'ac', 'b/a', 'b/b', 'c/a', 'c/b', 'd'];
  const files = (index: number) => incompressible(`equal ${index}`, size);
  // Some come right behind each other, others batches later, while the first are still on their way.
  for (let index = 0; index < distinct; index++) {
    for (const copy of copies) {
      const isNear = copy.startsWith('a');
      file(isNear ? `files/${index}/${copy}` : `files/${copy}/${index}`, files(index));
    }
  }
  const before = await receivedBytes();
  expect(await summary('files', '--prefix', prefix)).toMatchObject({
    code: 0,
    stored: distinct * copies.length,
  });
  expect((await receivedBytes()) - before).toBeLessThan(1.2 * distinct * size);
  const found = await stored();
  for (let index = 0; index < distinct; index++) {
    const expected = [1_600_000_000, sha256(files(index))];
    for (const name of [`${index}/ac`, `b/b/${index}`, `d/${index}`]) expect(found[name]).toEqual(expected);
  }
});

it('a file whose content another one was to bring is stored also where that one is refused', async () => {
  file('first/a/taken', 'x');
  await summary('first', '--prefix', prefix);
  for (const name of ['a', 'b', 'c', 'd']) file(`files/${name}`, 'the same content');
  expect(await summary('files', '--prefix', prefix)).toMatchObject({ code: 1, stored: 3, failed: 1 });
  const expected = [1_600_000_000, sha256(Buffer.from('the same content'))];
  expect(await stored()).toMatchObject({ b: expected, c: expected, d: expected });
});

function memory(): string {
  const directory = join(cwd, '.xdg-cache/filetracker/digests');
  return join(directory, readdirSync(directory)[0] ?? '');
}

it('migrates to a Python server, too', async () => {
  const python = await startPythonLikeServer();
  file('files/a', 'x');
  const result = await filetracker(['files', python.url, '-s'], { cwd, program: 'filetracker-migrate' });
  expect(result).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(python.files.get('a')).toMatchObject({ version: 1_600_000_000, size: 1 });
  await python.close();
});

it.runIf(isRoot)('an unreadable directory deletes nothing in the mirror', async () => {
  file('files/open/x', 'x');
  file('files/shut/y', 'y');
  await summary('files', '--prefix', prefix);
  rmSync(join(cwd, 'files/open/x'));
  chmodSync(cwd, 0o755);
  chmodSync(join(cwd, 'files/shut'), 0);
  const unprivileged = ['--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all'];
  const command = [...unprivileged, process.execPath, scriptOf('filetracker-migrate')];
  const mirror = ['--prefix', prefix, '--delete', join(cwd, 'files'), server.process.url];
  const result = await runCommand(['setpriv', ...command, ...mirror]);
  expect(result.code).toBe(1);
  expect(result.stderr).toMatch(/\/shut: it cannot be read \(permission denied\)$/m);
  expect(Object.keys(await stored())).toEqual(['shut/y']);
});
