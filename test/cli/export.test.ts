import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { FileTrackerClient } from '@filetracker/client';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { incompressible } from '../support/contents.js';
import { makeTmpfs } from '../support/file-systems.js';
import { filetracker, scriptOf, startFiletracker } from '../support/filetracker-process.js';
import { isRoot } from '../support/root.js';
import { stopWhen } from '../support/stop-when.js';
import { suiteServer } from '../support/suite-server.js';
import { startTcpProxy } from '../support/tcp-proxy.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const server = suiteServer();
let cwd: string;
let root: string;
let counter = 0;

beforeEach(async () => {
  cwd = temporaryDirectory();
  root = `/t${counter++}`;
  const client = new FileTrackerClient({ localStore: 'none', remoteUrl: server.process.url });
  await client.putFile(`${root}/a@1600000000`, Buffer.from('same'));
  await client.putFile(`${root}/deep/b@1600000000`, Buffer.from('same'));
  await client.putFile(`${root}/deep/c@5`, Buffer.from('same'));
  await client.putFile(`${root}/ż%20x`, Buffer.alloc(0));
  await client.putFile(`${root}/large@7`, incompressible(root, 2_000_000));
  await client.close();
});

const run = (...args: string[]) => filetracker(args, { cwd, program: 'filetracker-export' });

it.each([
  ['a server', () => [server.process.url]],
  ['its directory while it runs', () => ['--store', server.directory]],
])('writes plain files with their versions as times, from %s', async (_, from) => {
  const first = await run('out', '--prefix', root, ...from());
  expect(first).toMatchObject({ code: 0, stdout: '' });
  expect(first.stderr).toMatch(/^5 files written \(1\.9 MiB\), 0 files there already in /);
  expect((readdirSync(join(cwd, 'out'), { recursive: true }) as string[]).sort()).toEqual(
    ['a', 'deep', 'deep/b', 'deep/c', 'large', 'ż%20x'].sort(),
  );
  expect(statSync(join(cwd, 'out/deep/c')).mtimeMs).toBe(5000);
  expect(readFileSync(join(cwd, 'out/large')).equals(incompressible(root, 2_000_000))).toBe(true);
  // What is right stays, what is not is written again.
  writeFileSync(join(cwd, 'out/a'), 'SAME');
  writeFileSync(join(cwd, 'out/deep/c'), 'longer');
  utimesSync(join(cwd, 'out/deep/c'), 5, 5);
  const again = await run('--json', 'out', '--prefix', root, ...from());
  expect(JSON.parse(again.stdout)).toMatchObject({ copied: 2, kept: 3, failed: 0 });
  for (const name of ['a', 'deep/c']) expect(readFileSync(join(cwd, 'out', name), 'utf8')).toBe('same');
});

it('--hard-links makes one file of names with the same content and version', async () => {
  const { stdout } = await run('--json', '--hard-links', 'out', '--prefix', root, server.process.url);
  expect(JSON.parse(stdout)).toMatchObject({ copied: 4, linked: 1 });
  const [a, b, c] = ['a', 'deep/b', 'deep/c'].map((path) => statSync(join(cwd, 'out', path)));
  expect(b?.ino).toBe(a?.ino);
  expect(c?.ino).not.toBe(a?.ino);
});

it('--hard-links makes no link to a file that looks like the right one and is not', async () => {
  const out = ['--hard-links', 'out', '--prefix', root, server.process.url];
  await run(...out);
  const [a, b] = [join(cwd, 'out/a'), join(cwd, 'out/deep/b')];
  rmSync(b);
  expect(JSON.parse((await run('--json', ...out)).stdout)).toMatchObject({ copied: 0, linked: 1, kept: 4 });
  rmSync(b);
  writeFileSync(a, 'SAME');
  utimesSync(a, 1_600_000_000, 1_600_000_000);
  expect(JSON.parse((await run('--json', ...out)).stdout)).toMatchObject({ copied: 1, linked: 0, kept: 4 });
  expect(readFileSync(b, 'utf8')).toBe('same');
});

it.runIf(isRoot).each([
  ['a server', () => [server.process.url]],
  ['its directory', () => ['--store', server.directory]],
])(
  'links within each file system below the target, and goes on past what stands in the way, from %s',
  async (_, from) => {
    const [disk, deep] = [makeTmpfs(8).path, join(cwd, 'out/deep')];
    mkdirSync(deep, { recursive: true });
    execFileSync('mount', ['--bind', disk, deep]);
    onTestFinished(() => void execFileSync('umount', [deep]));
    const client = new FileTrackerClient({ localStore: 'none', remoteUrl: server.process.url });
    await client.putFile(`${root}/deep/second@1600000000`, Buffer.from('same'));
    await client.putFile(`${root}/deep/below/third@1600000000`, Buffer.from('same'));
    await client.putFile(`${root}/deep/blocked@5`, Buffer.from('blocked'));
    await client.close();
    mkdirSync(join(deep, 'blocked'));
    // Of an export that was killed.
    mkdirSync(join(deep, '.filetracker-export-999999999/left'), { recursive: true });
    const { code, stderr } = await run('--hard-links', 'out', '--prefix', root, ...from());
    expect(code).toBe(1);
    expect(stderr).toMatch(
      new RegExp(
        `^filetracker-export: ${root}/deep/blocked: out/deep/blocked is a directory\n5 files written \\(1\\.9 MiB\\), 2 files linked`,
      ),
    );
    expect(readdirSync(deep).sort()).toEqual(['b', 'below', 'blocked', 'c', 'second']);
    expect(readdirSync(join(deep, 'below'))).toEqual(['third']);
    expect(readdirSync(join(cwd, 'out')).sort()).toEqual(['a', 'deep', 'large', 'ż%20x'].sort());
    expect(readFileSync(join(deep, 'b'), 'utf8')).toBe('same');
    const inodes = ['b', 'second', 'below/third'].map((name) => statSync(join(deep, name)).ino);
    expect(new Set(inodes).size).toBe(1);
    expect(statSync(join(deep, 'c')).mtimeMs).toBe(5000);
  },
);

it.runIf(isRoot)('--hard-links copies where a file can have no more links', async () => {
  const out = ['--hard-links', 'out', '--prefix', root, server.process.url];
  await run(...out);
  const [a, b] = [join(cwd, 'out/a'), join(cwd, 'out/deep/b')];
  rmSync(b);
  execFileSync('chattr', ['+i', a]);
  onTestFinished(() => void execFileSync('chattr', ['-i', a]));
  expect(JSON.parse((await run('--json', ...out)).stdout)).toMatchObject({ copied: 1, linked: 0, kept: 4 });
  expect(readFileSync(b, 'utf8')).toBe('same');
  expect(statSync(b)).toMatchObject({ mtimeMs: 1_600_000_000_000, nlink: 1 });
});

it.each([
  ['a server', () => [server.process.url]],
  ['its directory', () => ['--store', server.directory]],
])('a file in whose place a directory stands is told by its path, the rest is written, from %s', async (_, from) => {
  mkdirSync(join(cwd, 'out/a'), { recursive: true });
  const { code, stderr } = await run('out', '--prefix', root, ...from());
  expect(code).toBe(1);
  expect(stderr).toMatch(new RegExp(`^filetracker-export: ${root}/a: out/a is a directory\n4 files written`));
});

it('one that is killed leaves nothing among the files, and nothing at all once it is run again', async () => {
  const directory = join(cwd, 'store');
  mkdirSync(join(cwd, 'files'));
  for (let index = 0; index < 2000; index++) writeFileSync(join(cwd, `files/${index}`), `${index}`);
  await filetracker(['files', '--to', directory], { cwd, program: 'filetracker-migrate' });
  const killedInTheMiddle = async (): Promise<string> => {
    const command = ['--store', directory, 'out'];
    const child = startFiletracker(command, { cwd, program: 'filetracker-export' });
    const closed = once(child, 'close');
    const staging = `.filetracker-export-${child.pid}`;
    const isInTheMiddle = () =>
      existsSync(join(cwd, 'out', staging)) && readdirSync(join(cwd, 'out')).length > 100;
    const isStopped = await stopWhen(child, isInTheMiddle);
    child.kill('SIGKILL');
    await closed;
    if (isStopped) return staging;
    // It takes less than a second, in which a busy machine may not look: once more.
    rmSync(join(cwd, 'out'), { recursive: true });
    return killedInTheMiddle();
  };
  const staging = await killedInTheMiddle();
  const left = readdirSync(join(cwd, 'out'));
  expect(left).toContain(staging);
  expect(left.filter((name) => name !== staging && !/^\d+$/.test(name))).toEqual([]);
  expect((await run('out', '--store', directory)).code).toBe(0);
  expect(readdirSync(join(cwd, 'out')).sort()).toEqual(readdirSync(join(cwd, 'files')).sort());
});

it.runIf(isRoot)('a full disk is one failure, for all files', async () => {
  const disk = makeTmpfs(1);
  const { code, stderr } = await run(disk.path, '--prefix', root, server.process.url);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^(broken off: .*\n)?filetracker-export: no space left on device\n$/);
  expect(readdirSync(disk.path)).not.toContain('large');
});

it('shows on a terminal how far it is, and says what it did when it is broken off', async () => {
  // It gets half of the large file and waits for the rest, until it is broken off.
  const proxy = await startTcpProxy(server.port);
  proxy.holdAfter(1_000_000);
  const flags = ['-j', '1', '--prefix', root, 'out', proxy.url];
  // script(1) gives it a terminal.
  const command = [process.execPath, scriptOf('filetracker-export'), ...flags];
  const child = spawn('script', ['-qfec', command.join(' '), '/dev/null'], { cwd });
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  let interrupted = false;
  const shown = /3\/5 files {2}12 B\/1\.9 MiB {2}.*\/s {2}.* left/;
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    // Ctrl-C, as a terminal takes it.
    if (!interrupted && shown.test(said)) interrupted = child.stdin.write('\u0003');
  });
  const [code] = (await once(child, 'close')) as [number];
  expect(said).toMatch(/broken off: 3 files written .*; run it again to go on/);
  expect(code).toBe(130);
});

it('says what keeps it from looking for a store', async () => {
  const directory = temporaryDirectory();
  symlinkSync('loop', join(directory, 'loop'));
  const { code, stderr } = await run('out', '--store', join(directory, 'loop'));
  expect(code).toBe(1);
  expect(stderr).toMatch(/loop/);
  expect(stderr).not.toMatch(/there is no store/);
});

it('refuses what is no store, and a directory that the store does not have', async () => {
  expect((await run('out', '--store', 'other')).stderr).toMatch(/there is no store in other/);
  expect(readdirSync(cwd)).toEqual([]);
  for (const from of [[server.process.url], ['--store', server.directory]]) {
    const { stderr } = await run('out', '--prefix', '/nothing', ...from);
    expect(stderr).toBe('filetracker-export: /nothing is not a directory\n');
  }
  expect(await run('out', '--store', 'x', 'http://y')).toMatchObject({ code: 2 });
});

it('refuses to write among the files of a store', async () => {
  const store = server.directory;
  for (const [target, from] of [
    [store, ['--store', store]],
    [join(store, 'blobs/new'), ['--store', store]],
    [store, [server.process.url]],
  ] as const) {
    const refused = await run(target, ...from);
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/of a store, or in it;/) as string,
    });
  }
  expect(readdirSync(store).filter((entry) => entry.startsWith('t') && entry !== 'tmp')).toEqual([]);
  expect(readdirSync(join(store, 'blobs'))).not.toContain('new');

  mkdirSync(join(cwd, 'tree'));
  writeFileSync(join(cwd, 'tree/format.json'), '{}');
  expect(await run('tree', '--prefix', root, server.process.url)).toMatchObject({ code: 0 });
});

it('says which file has the place of a directory', async () => {
  const said = / cannot be a directory: a file is in the way\n/;
  writeFileSync(join(cwd, 'file'), '');
  expect((await run('file', '--prefix', root, server.process.url)).stderr).toMatch(said);
  mkdirSync(join(cwd, 'out'));
  writeFileSync(join(cwd, 'out/deep'), '');
  const { code, stderr } = await run('out', '--prefix', root, server.process.url);
  expect(code).toBe(1);
  expect(stderr).toMatch(said);
  expect(stderr).toMatch(/3 files written .* 2 files failed/);
});
