import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RemoteDataStore } from '@filetracker/client';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { collect } from '../support/collect.js';
import { incompressible } from '../support/contents.js';
import { type CommandResult, filetracker } from '../support/filetracker-process.js';
import { startPythonLikeServer } from '../support/python-server.js';
import { startForTest } from '../support/server-command.js';
import { suiteServer } from '../support/suite-server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const server = suiteServer();
let cwd: string;
let name: string;
let counter = 0;

beforeEach(() => {
  cwd = temporaryDirectory();
  name = `f${counter++}`;
});

function write(content: string | Buffer, version = 1_600_000_000): void {
  writeFileSync(join(cwd, name), content);
  utimesSync(join(cwd, name), version, version);
}

function run(...args: readonly string[]): Promise<CommandResult> {
  return filetracker(args, { cwd, program: 'filetracker-migrate' });
}

/** What is told of the one file. */
async function told(...args: readonly string[]) {
  const { code, stdout, stderr } = await run('--json', name, ...args);
  const { stored, unchanged, newer, failed } = JSON.parse(stdout) as Readonly<Record<string, number>>;
  return { code, stderr, stored, unchanged, newer, failed };
}

const NOTHING = { code: 0, stderr: '', stored: 0, unchanged: 0, newer: 0, failed: 0 };
const STORED = { ...NOTHING, stored: 1 };
const UNCHANGED = { ...NOTHING, unchanged: 1 };
const NEWER = { ...NOTHING, newer: 1 };

describe.each([
  ['to a server', () => [server.process.url]],
  ['with --to', () => ['--to', 'store']],
] as const)('a single file %s', (_, where) => {
  it.each([
    ['small', 'content'],
    ['large', incompressible('single', 3_000_000)],
  ])('is stored once: a %s one', async (_size, content) => {
    write(content);
    expect(await told(...where())).toEqual(STORED);
    expect(await told(...where())).toEqual(UNCHANGED);
    expect(await told('--read-all', ...where())).toEqual(UNCHANGED);
    expect(await told('--prefix', 'below/it', ...where())).toEqual(STORED);
    expect(await told('--prefix', 'below/it', ...where())).toEqual(UNCHANGED);
  });

  it('is stored again when its content or its version changes, unless a newer one is there', async () => {
    write('one');
    await told(...where());
    write('two');
    expect(await told(...where())).toEqual(STORED);
    write('two', 1_700_000_000);
    expect(await told(...where())).toEqual(STORED);
    write('three');
    expect(await told(...where())).toEqual(NEWER);
  });

  it('--dry-run says what would be done, and does nothing', async () => {
    write('x');
    const dry = ['--dry-run', name, ...where()];
    const would = `store /${name}@1600000000 (1 B)\n`;
    expect(await run(...dry)).toMatchObject({ code: 0, stdout: would });
    expect(await run(...dry)).toMatchObject({ code: 0, stdout: would });
    expect(await told(...where())).toEqual(STORED);
    expect(await run(...dry)).toMatchObject({ code: 0, stdout: '' });
    expect(await told('--dry-run', ...where())).toEqual(UNCHANGED);
  });

  it('deletes nothing with --delete', async () => {
    write('x');
    await told('--prefix', name, ...where());
    name = `${name}-other`;
    write('y');
    expect(await told('--prefix', name, '--delete', ...where())).toEqual(STORED);
    name = name.replace('-other', '');
    expect(await told('--prefix', name, ...where())).toEqual(UNCHANGED);
  });
});

it('the feed of a server has one entry for a file that was migrated twice', async () => {
  write('x');
  const store = new RemoteDataStore({ url: server.process.url });
  onTestFinished(() => store.close());
  const entries = async () =>
    (await collect(store.changes({ since: 0 }))).filter(
      (change) => change.kind !== 'gap' && change.name === name,
    );
  for (const expected of [STORED, UNCHANGED]) {
    expect(await told(server.process.url)).toEqual(expected);
    expect(await entries()).toHaveLength(1);
  }
});

it('a Python server is not sent it again either', async () => {
  const python = await startPythonLikeServer();
  onTestFinished(() => python.close());
  write('x');
  expect(await told(python.url)).toEqual(STORED);
  expect(await told(python.url)).toEqual(UNCHANGED);
  expect(python.puts).toHaveLength(1);
});

it('what only the server that another falls back to has is stored', async () => {
  const redirecting = await startForTest(temporaryDirectory(), '--fallback-url', server.process.url);
  write('x');
  expect(await told(server.process.url)).toEqual(STORED);
  expect(await told(redirecting.url)).toEqual(STORED);
  expect(await told(redirecting.url)).toEqual(UNCHANGED);
});
