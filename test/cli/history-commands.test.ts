import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { filetracker } from '../support/filetracker-process.js';
import { suiteServer } from '../support/suite-server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const server = suiteServer('--keep-versions', '10');

it('versions, get, ls --as-of and restore reach what was overwritten and deleted', async () => {
  const cwd = temporaryDirectory();
  const run = (...args: string[]) => filetracker(args, { cwd, env: { FILETRACKER_URL: server.process.url } });
  writeFileSync(join(cwd, 'old'), 'old');
  writeFileSync(join(cwd, 'new'), 'newer');
  await run('put', 'old', '/d/f@1600000000');
  await run('put', 'new', '/d/f@1700000000');
  const versions = await run('versions', '/d/f');
  expect(versions.stdout).toMatch(
    /^ {11}5 {2}2023-11-1\d .* {2}\/d\/f@1700000000\n {11}3 {2}2020-09-1\d .* {2}\/d\/f@1600000000\n$/,
  );
  const json = (await run('--json', 'versions', '/d/f')).stdout.trimEnd().split('\n');
  expect(json.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { name: '/d/f', versioned: '/d/f@1700000000', kind: 'stored', size: 5 },
    { name: '/d/f', versioned: '/d/f@1600000000', kind: 'stored', size: 3 },
  ]);
  expect((await run('get', '/d/f@1600000000', 'back')).code).toBe(0);
  expect(readFileSync(join(cwd, 'back'), 'utf8')).toBe('old');

  const restored = (await run('restore', '/d/f@1600000000')).stdout.trimEnd();
  expect(restored).toMatch(/^\/d\/f@\d{10}$/);
  expect((await run('cat', '/d/f')).stdout).toBe('old');
  await run('rm', '/d/f');
  expect((await run('versions', '/d/f')).stdout).toMatch(/^ {11}- {2}.* {2}\/d\/f deleted\n/);
  expect((await run('ls', '/d')).code).toBe(1);
  expect((await run('ls', '-r', '/')).stdout).toBe('');
  expect((await run('restore', restored)).code).toBe(0);
  expect((await run('ls', '--as-of', new Date(Date.now() + 5000).toISOString(), '/d')).stdout).toBe('f\n');
  expect(await run('restore', '/d/f')).toMatchObject({
    code: 2,
    stderr: 'filetracker: say which version to restore: NAME@VERSION\n',
  });
  expect((await run('get', '/d/f@1650000000', 'no')).stderr).toMatch(/has version \d+, not 1650000000/);
});

it('a long listing asks the server for nothing but the listing', async () => {
  const cwd = temporaryDirectory();
  const run = (...args: string[]) => filetracker(args, { cwd, env: { FILETRACKER_URL: server.process.url } });
  writeFileSync(join(cwd, 'x'), 'x');
  for (const name of ['/many/a/1', '/many/a/2', '/many/b']) await run('put', 'x', `${name}@5`);
  const { stdout, stderr } = await run('-v', 'ls', '-l', '/many');
  expect(stdout.split('\n').map((line) => line.trim().split(/\s+/).at(-1))).toEqual(['a/', 'b', '']);
  expect(stderr.split('\n').filter((line) => line !== '')).toHaveLength(2);
  expect(stderr).toMatch(/recursive=false/);
});
