import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { FileTrackerClient } from '@filetracker/client';
import { expect, it, onTestFinished } from 'vitest';
import { PythonSource } from '#cli/migrate/python-source.js';
import { collect } from '../support/collect.js';
import { sha256 } from '../support/contents.js';
import { filetracker } from '../support/filetracker-process.js';
import { makePythonStore, type PythonStoreContents, unpackPythonStore } from '../support/python-store.js';
import { startForTest } from '../support/server-command.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/**
 * Names of a generated store, and how long storing them may take in milliseconds. 50,000 take a minute of CPU time,
 * most of it to make the store and to ask the server for each of them: too long for every build.
 */
const [NAMES, TIMEOUT] = process.env['FILETRACKER_TORTURE'] ? [50_000, 1_200_000] : [1000, 300_000];

function migrate(cwd: string, ...args: readonly string[]) {
  return filetracker(['--from-python', 'python', ...args], { cwd, program: 'filetracker-migrate' });
}

/** The complaints on stderr: by name, and the stray blobs. */
function complaints(stderr: string): { problems: Record<string, string>; strays: string[] } {
  const problems: Record<string, string> = {};
  const strays: string[] = [];
  for (const line of stderr.trimEnd().split('\n')) {
    const stray = /^filetracker-migrate: warning: blob (\w+) belongs to no name: not stored$/.exec(line);
    const problem = /^filetracker-migrate: (\/.*): ([^:]+)$/.exec(line);
    if (stray) strays.push(stray[1] ?? '');
    else if (problem) problems[problem[1] ?? ''] = problem[2] ?? '';
    else if (!/ files stored /.test(line)) throw new Error(`unexpected: ${line}`);
  }
  return { problems, strays };
}

function expected({ files }: PythonStoreContents) {
  const entries = Object.entries(files);
  return {
    sound: new Map(entries.flatMap(([name, file]) => ('problem' in file ? [] : [[name, file] as const]))),
    problems: Object.fromEntries(
      entries.flatMap(([name, file]) => ('problem' in file ? [[name, file.problem] as const] : [])),
    ),
  };
}

/** What a server has: every name with its version, digest and size. */
async function stored(url: string) {
  const client = new FileTrackerClient({ localStore: 'none', remoteUrl: url });
  onTestFinished(() => client.close());
  const files = await collect(client.listFiles());
  return new Map(
    files.map(({ name, stat }) => [
      `/${name}`,
      { version: Number(stat?.version), sha256: stat?.digest, size: stat?.size },
    ]),
  );
}

it('the directory of a Python server is not taken for a tree of files, but its blobs may be stored by themselves', async () => {
  const cwd = temporaryDirectory();
  mkdirSync(join(cwd, 'python'));
  unpackPythonStore(join(cwd, 'python'));
  const store = (...args: readonly string[]) =>
    filetracker([...args, '--to', 'store', '--json'], { cwd, program: 'filetracker-migrate' });
  for (const flags of [[], ['--dry-run']]) {
    expect(await store('python', ...flags)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /Python filetracker server: --from-python python stores its files/,
      ) as string,
    });
  }
  const blobs = readdirSync(join(cwd, 'python/blobs'), { recursive: true }) as string[];
  const { code, stdout } = await store('python/blobs', '--root', 'python');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ stored: blobs.filter((path) => path.includes('/')).length });
});

it('a tree of files may have directories of those names', async () => {
  const cwd = temporaryDirectory();
  for (const path of ['tree/links', 'tree/blobs/ab']) mkdirSync(join(cwd, path), { recursive: true });
  for (const path of ['links/a', 'blobs/ab/abcd']) writeFileSync(join(cwd, 'tree', path), path);
  expect(await filetracker(['tree', '--to', 'store'], { cwd, program: 'filetracker-migrate' })).toMatchObject(
    { code: 0 },
  );
});

it('imports the directory of a damaged Python server: exactly its files, exactly its faults', async () => {
  const cwd = temporaryDirectory();
  mkdirSync(join(cwd, 'python'));
  const contents = unpackPythonStore(join(cwd, 'python'));
  const { sound, problems } = expected(contents);
  const result = await migrate(cwd, '--to', 'store');
  expect(result.code).toBe(1);
  expect(complaints(result.stderr)).toEqual({ problems, strays: contents.stray_blobs });
  const server = await startForTest(join(cwd, 'store'));
  expect(await stored(server.url)).toEqual(sound);
  const big = await filetracker(['cat', '/big-zeros'], { cwd, env: { FILETRACKER_URL: server.url } });
  expect(Buffer.from(big.stdout).equals(Buffer.alloc(3_000_000))).toBe(true);
});

it('blobs that are filed under digests in capitals are stored, if they are what these say', async () => {
  const cwd = temporaryDirectory();
  const content = Buffer.from('spelled loudly');
  const [right, wrong] = [sha256(content).toUpperCase(), sha256(Buffer.from('other')).toUpperCase()];
  mkdirSync(join(cwd, 'python/links'), { recursive: true });
  for (const [name, digest] of [
    ['right', right],
    ['wrong', wrong],
    ['quiet', right.toLowerCase()],
  ] as const) {
    const blob = join('blobs', digest.slice(0, 2), digest);
    mkdirSync(dirname(join(cwd, 'python', blob)), { recursive: true });
    writeFileSync(join(cwd, 'python', blob), gzipSync(content));
    symlinkSync(join('..', blob), join(cwd, 'python/links', name));
  }
  const result = await migrate(cwd, '--to', 'store');
  const problem = 'the stored blob does not have the digest it is filed under';
  expect(complaints(result.stderr)).toEqual({ problems: { '/wrong': problem }, strays: [] });
  const server = await startForTest(join(cwd, 'store'));
  const found = await stored(server.url);
  expect([...found].map(([name, { sha256: digest }]) => [name, digest])).toEqual([
    ['/quiet', sha256(content)],
    ['/right', sha256(content)],
  ]);
});

it('--dry-run makes no store, and says what one that is there would get', async () => {
  const cwd = temporaryDirectory();
  makePythonStore(join(cwd, 'python'), 10);
  const dry = async () => {
    const { stdout } = await migrate(cwd, '--dry-run', '--json', '--to', 'store');
    return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as { stored: number; unchanged: number };
  };
  const first = await dry();
  expect(first).toMatchObject({ unchanged: 0 });
  expect(first.stored).toBeGreaterThan(0);
  expect(readdirSync(cwd)).not.toContain('store');
  mkdirSync(join(cwd, 'store'));
  expect(await dry()).toMatchObject({ stored: first.stored });
  expect(readdirSync(join(cwd, 'store'))).toEqual([]);
  await migrate(cwd, '--to', 'store');
  expect(await dry()).toMatchObject({ stored: 0, unchanged: first.stored });
});

it('--dry-run decodes everything, and finds what an import would', async () => {
  const cwd = temporaryDirectory();
  mkdirSync(join(cwd, 'python'));
  const contents = unpackPythonStore(join(cwd, 'python'));
  const { sound, problems } = expected(contents);
  const result = await migrate(cwd, '--dry-run', '--json', '--to', 'store');
  expect(result.code).toBe(1);
  const lines = result.stdout.trimEnd().split('\n');
  const results = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  const bytes = [...sound.values()].reduce((sum, { size }) => sum + size, 0);
  expect(results.at(-1)).toMatchObject({ stored: sound.size, failed: Object.keys(problems).length, bytes });
  const failures = result.stderr.trimEnd().split('\n');
  const told = failures.map((line) => JSON.parse(line) as { error: { file: string; message: string } });
  expect(Object.fromEntries(told.map(({ error }) => [error.file, error.message]))).toEqual(
    Object.fromEntries(Object.entries(problems).map(([name, problem]) => [name, `${name}: ${problem}`])),
  );
});

it(
  'imports many names to a server, sends every content once, and nothing the second time',
  async () => {
    const cwd = temporaryDirectory();
    const contents = makePythonStore(join(cwd, 'python'), NAMES);
    const { sound, problems } = expected(contents);
    const server = await startForTest(join(cwd, 'store'));
    const first = await migrate(cwd, server.url);
    expect(first.code).toBe(1);
    expect(complaints(first.stderr)).toEqual({ problems, strays: contents.stray_blobs });
    expect(await stored(server.url)).toEqual(sound);
    const again = await migrate(cwd, '--json', server.url);
    const results = again.stdout.trimEnd().split('\n');
    expect(JSON.parse(results[0] ?? '')).toMatchObject({
      remark: expect.stringContaining('belongs to no name') as string,
    });
    expect(JSON.parse(results[1] ?? '')).toMatchObject({ stored: 0, unchanged: sound.size });
  },
  TIMEOUT,
);

it('refuses a directory that is none of a Python server', async () => {
  const cwd = temporaryDirectory();
  mkdirSync(join(cwd, 'python'));
  const result = await migrate(cwd, '--to', 'store');
  expect(result).toMatchObject({ code: 2, stdout: '' });
  expect(result.stderr).toMatch(/no directory of a Python filetracker 2\.x server: it has no links\//);
});

it('tells what is no blob among the blobs, and ends as without it', async () => {
  const cwd = temporaryDirectory();
  makePythonStore(join(cwd, 'python'), 4);
  writeFileSync(join(cwd, 'python/blobs/.nfs0001'), '');
  const result = await migrate(cwd, '--json', '--to', 'store');
  expect(result).toMatchObject({ code: 0, stderr: '' });
  const said = result.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  expect(said).toContainEqual({ remark: 'python/blobs/.nfs0001 is no blob: not stored' });
  expect(said.at(-1)).toMatchObject({ stored: 4, failed: 0, complete: true });
});

it('counts for people who wait what the contents will come to', async () => {
  const root = join(temporaryDirectory(), 'python');
  const { files } = makePythonStore(root, 400);
  const source = await PythonSource.open(root, '', { verify: false });
  const total = { files: 0, bytes: 0 };
  await source.count(total, new AbortController().signal);
  const sound = Object.values(files).reduce((sum, file) => sum + ('size' in file ? file.size : 0), 0);
  expect(total.files).toBe(400);
  // Blobs that are cut do not say how long their content was.
  expect(total.bytes).toBeGreaterThanOrEqual(sound);
  expect(total.bytes).toBeLessThan(sound + 10_000);
});
