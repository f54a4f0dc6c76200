import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { type CommandResult, filetracker } from '../support/filetracker-process.js';
import { suiteServer } from '../support/suite-server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const server = suiteServer();
let cwd: string;
let root: string;
let counter = 0;

beforeEach(() => {
  cwd = temporaryDirectory();
  root = `/t${counter++}`;
});

function run(args: readonly string[], input: string | Buffer = ''): Promise<CommandResult> {
  return filetracker(args, { cwd, input, env: { FILETRACKER_URL: server.process.url } });
}

/** Runs a command that must succeed without a word on stderr; returns what it printed. */
async function ok(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

/** Runs a command that must fail; returns its one line on stderr. */
async function fails(code: number, ...args: string[]): Promise<string> {
  const result = await run(args);
  expect(result).toMatchObject({ code, stdout: '' });
  expect(result.stderr).toMatch(/^filetracker: [^\n]+\n$/);
  return result.stderr;
}

it('the tour of the README: put, get, ls, cat', async () => {
  writeFileSync(join(cwd, 'problem.zip'), 'PK...');
  const name = (await ok('put', './problem.zip', `${root}/abc/package.zip`)).trimEnd();
  expect(name).toMatch(new RegExp(`^${root}/abc/package\\.zip@\\d{10}$`));
  expect(await ok('get', `${root}/abc/package.zip`, './copy.zip')).toBe('');
  expect(readFileSync(join(cwd, 'copy.zip'), 'utf8')).toBe('PK...');
  expect(await ok('ls', root)).toBe('abc/\n');
  expect(await ok('cat', name)).toBe('PK...');
  expect(await ok('version', name)).toBe(`${name.split('@')[1]}\n`);
});

it('takes store options in front of the command, where -c is the cache, and behind get, where it is not', async () => {
  writeFileSync(join(cwd, 'f'), 'x');
  const store = ['-r', server.process.url, '-c', 'elsewhere', '-v'];
  await filetracker([...store, 'put', '--no-local-cache', 'f', `${root}/f@5`], { cwd });
  const got = await filetracker([...store, 'get', '-c', '-f', `${root}/f`, 'g'], { cwd });
  expect(got).toMatchObject({ code: 0, stdout: '' });
  expect(got.stderr).toMatch(new RegExp(`^GET \\S+/version/ 200 .*\nGET \\S+/files${root}/f 200 `));
  expect(readdirSync(cwd).sort()).toEqual(['f', 'g']);
  await filetracker([...store, 'get', `${root}/f`, 'g'], { cwd });
  expect(statSync(join(cwd, 'elsewhere/files', root, 'f')).mtimeMs).toBe(5000);
});

it('puts standard input, several files, and trees, and gets trees back', async () => {
  expect((await run(['put', '-', `${root}/in@5`], 'from a pipe')).stdout).toBe(`${root}/in@5\n`);
  expect(await ok('cat', `${root}/in`)).toBe('from a pipe');
  mkdirSync(join(cwd, 'tree/deep/er'), { recursive: true });
  writeFileSync(join(cwd, 'tree/deep/er/x'), '1');
  writeFileSync(join(cwd, 'tree/odd name@5'), '2');
  symlinkSync('odd name@5', join(cwd, 'tree/link'));
  symlinkSync('..', join(cwd, 'tree/deep/circle'));
  await ok('put', 'tree/deep/er/x', 'tree/odd name@5', `${root}/several/`);
  expect(await ok('ls', `${root}/several`)).toBe('odd name@5\nx\n');
  await ok('put', '-r', 'tree', `${root}/tree`);
  expect((await ok('ls', '-r', `${root}/tree`)).split('\n').sort()).toEqual([
    '',
    'deep/er/x',
    'link',
    'odd name@5',
  ]);
  await ok('get', '-r', `${root}/tree`, 'back');
  expect(readFileSync(join(cwd, 'back/deep/er/x'), 'utf8')).toBe('1');
  expect(readFileSync(join(cwd, 'back/link'), 'utf8')).toBe('2');
  await ok('rm', '-r', `${root}/tree`);
  expect(await fails(1, 'ls', `${root}/tree`)).toMatch(/is not a directory/);
});

it('get makes the directories above the file that it writes, as the Python client does', async () => {
  await run(['put', '-', `${root}/f@7`], 'x');
  expect(await fails(1, 'get', `${root}/nope`, 'none/at/all')).toMatch(/does not exist/);
  expect(existsSync(join(cwd, 'none'))).toBe(false);
  await ok('get', `${root}/f`, 'new/deep/f');
  await ok('get', '--no-cache', '--refresh', `${root}/f`, 'other/f');
  expect(readFileSync(join(cwd, 'new/deep/f'), 'utf8')).toBe('x');
  expect(readFileSync(join(cwd, 'other/f'), 'utf8')).toBe('x');
});

it('lists one level or all, short or long, and a single file', async () => {
  for (const name of ['b/1', 'b/2', 'a', 'c@7@1700000000'])
    await run(['put', '-', `${root}/${name}`], 'four');
  expect(await ok('ls', root)).toBe('a\nb/\nc@7\n');
  const long = (await ok('ls', '-l', root)).split('\n');
  expect(long[1]).toMatch(/^ +- {2} +b\/$/);
  expect(long[2]).toMatch(/^ +4 {2}2023-11-1\d \d\d:\d\d:\d\d {2}c@7$/);
  expect(await ok('ls', `${root}/b/1`)).toBe(`${root}/b/1\n`);
  const objects = (await ok('--json', 'ls', '-l', root)).trimEnd().split('\n');
  expect(objects.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { name: 'a', kind: 'file', size: 4 },
    { name: 'b/', kind: 'directory' },
    { name: 'c@7', kind: 'file', size: 4, version: 1_700_000_000 },
  ]);
});

it('--version names a version where the name itself ends in @ and digits', async () => {
  await run(['put', '--version', '5', '-', `${root}/f@9`], 'x');
  expect(await ok('version', `${root}/f@9@5`)).toBe('5\n');
  expect(await ok('cat', '--version', 'newest', `${root}/f@9`)).toBe('x');
  expect(await ok('stat', '--version', '5', `${root}/f@9`)).toMatch(
    new RegExp(`^name +${root}/f@9@5\nversion +5 `),
  );
  expect(await fails(1, 'cat', `${root}/f@9`)).toMatch(/does not exist/);
  expect(await fails(2, 'cat', '--version', 'x', `${root}/f`)).toMatch(/whole seconds/);
  await ok('rm', '--version', '5', `${root}/f@9`);
});

it('--json prints one object a line, and errors as objects on stderr', async () => {
  const put = await run(['put', '--json', '-', `${root}/f@5`], 'x');
  expect(JSON.parse(put.stdout)).toEqual({ file: '-', name: `${root}/f@5` });
  const stat = JSON.parse(await ok('--json', 'stat', `${root}/f`)) as object;
  expect(stat).toMatchObject({ name: `${root}/f`, versioned: `${root}/f@5`, version: 5, size: 1 });
  const missing = await run(['--json', 'stat', `${root}/g`]);
  expect(missing.code).toBe(1);
  expect(JSON.parse(missing.stderr)).toMatchObject({ error: { code: 'not_found' } });
});

it('what fails ends with 1 and one line that says why', async () => {
  expect(await fails(1, 'get', `${root}/nope`, 'x')).toMatch(/nope does not exist/);
  expect(await fails(1, 'put', 'nope', `${root}/x`)).toMatch(/'nope': no such file or directory/);
  await run(['put', '-', `${root}/f@7`], 'x');
  expect(await fails(1, 'cat', `${root}/f@5`)).toMatch(/has version 7, not 5/);
  expect(await fails(1, 'rm', `${root}/f@5`)).toMatch(/has version 7, not 5/);
  writeFileSync(join(cwd, 'old'), '');
  expect(await fails(1, 'put', 'old', `${root}/f@5`)).toMatch(/not stored as version 5: the newer .*f@7/);
  expect(await fails(1, 'get', `${root}/f`, 'old/file')).toMatch(/cannot write old\/file: /);
  expect(await fails(1, '-q', '-r', 'http://127.0.0.1:1', 'version', '/x')).toMatch(
    /is the server running\?/,
  );
});

it('one file that fails does not keep the others', async () => {
  writeFileSync(join(cwd, 'good'), 'x');
  const result = await run(['put', 'bad', 'good', `${root}/`]);
  expect(result).toMatchObject({ code: 1, stderr: "filetracker: 'bad': no such file or directory\n" });
  expect(await ok('ls', root)).toBe('good\n');
});

it('what is misused ends with 2', async () => {
  expect(await fails(2, 'frobnicate')).toMatch(/unknown command/);
  expect(await fails(2, 'get', '--frob', 'a', 'b')).toMatch(/unknown option/);
  expect(await fails(2, 'get', 'a')).toMatch(/missing required argument/);
  expect(await fails(2, 'put', 'only-a-file')).toMatch(/give a file and then its name/);
  expect(await fails(2, 'put', '.', `${root}/x`)).toMatch(/is a directory: put -r/);
  expect(await fails(2, 'stat', '/a/../b')).toMatch(/must not contain "\.\."/);
  expect(await fails(2, '-r', 'ftp://x', 'stat', '/a')).toMatch(/is not a server's URL/);
});

it('works on the cache alone where no server is known', async () => {
  const local = (args: readonly string[], input = '') => filetracker(args, { cwd, input });
  expect(await local(['put', '-', '/a/b@5'], 'x')).toMatchObject({ code: 0, stdout: '/a/b@5\n' });
  expect(await local(['cat', '/a/b'])).toMatchObject({ code: 0, stdout: 'x' });
  expect(await local(['ls', '-lr', '/'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/ a\/b\n$/) as string,
  });
});
