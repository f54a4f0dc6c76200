import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileTrackerClient, type FileTrackerClientOptions } from '@filetracker/client';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { collect } from '../support/collect.js';
import { isRoot } from '../support/root.js';
import { startServer } from '../support/server-process.js';
import { suiteServer } from '../support/suite-server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const server = suiteServer();
let directory: string;
let cacheDir: string;
let out: string;
let requests: string[];
let warnings: string[];
let client: FileTrackerClient;
let counter = 0;

function newClient(options: FileTrackerClientOptions = {}): FileTrackerClient {
  const made = new FileTrackerClient({
    remoteUrl: server.process.url,
    cacheDir,
    onRequest: ({ method, url }) => requests.push(`${method} ${new URL(url).pathname}`),
    onWarning: (message) => warnings.push(message),
    ...options,
  });
  onTestFinished(() => made.close());
  return made;
}

/** A machine elsewhere, without our cache. */
const elsewhere = () => newClient({ localStore: 'none', onRequest: () => {} });
const read = () => readFileSync(out, 'utf8');
const text = (content: string) => Buffer.from(content);

/** Names are new in every test, as one server serves them all. */
let f: string;

beforeEach(() => {
  directory = temporaryDirectory();
  cacheDir = join(directory, 'cache');
  out = join(directory, 'out');
  requests = [];
  warnings = [];
  f = `/t${counter++}/f`;
  client = newClient();
});

it('a version that is cached costs no request', async () => {
  await elsewhere().putFile(`${f}@5`, text('five'));
  await client.getFile(`${f}@5`, out);
  expect(requests).toEqual(['GET /version/', `GET /files${f}`]);
  expect(await client.getFile(`${f}@5`, out)).toBe(`${f}@5`);
  expect(await client.fileSize(`${f}@5`)).toBe(4);
  expect((await client.getStream(`${f}@5`)).stream.destroy().destroyed).toBe(true);
  expect(requests).toHaveLength(2);
  await client.getFile(`${f}@5`, out, { forceRefresh: true });
  expect(requests).toHaveLength(3);
});

it('an unversioned name is always asked for, but an equal file is not sent again', async () => {
  await client.putFile(`${f}@5`, text('five'));
  requests.length = 0;
  await client.getFile(f, out);
  expect(requests).toEqual([`HEAD /files${f}`]);
  await elsewhere().putFile(`${f}@7`, text('seven'));
  expect(await client.getFile(f, out)).toBe(`${f}@7`);
  expect(read()).toBe('seven');
});

it('a rewrite of the same version is noticed', async () => {
  await client.putFile(`${f}@5`, text('one'));
  await elsewhere().putFile(`${f}@5`, text('two'));
  await client.getFile(f, out);
  expect(read()).toBe('two');
  await client.getFile(`${f}@5`, out);
  expect(read()).toBe('two');
});

it.each([
  ['damaged', 'fiXe'],
  ['truncated', 'fi'],
])('a %s cached file is noticed and replaced', async (_, content) => {
  await client.putFile(`${f}@5`, text('five'));
  const cached = join(cacheDir, 'files', f);
  writeFileSync(cached, content);
  utimesSync(cached, 5, 5);
  await client.getFile(f, out);
  expect(read()).toBe('five');
  expect(readFileSync(cached, 'utf8')).toBe('five');
});

it('a user who edits a linked file in place does not change what the cache gives out', async () => {
  await client.putFile(`${f}@5`, text('five'));
  await client.getFile(`${f}@5`, out);
  expect(statSync(out).nlink).toBe(2);
  writeFileSync(out, 'edited');
  const other = join(directory, 'other');
  await client.getFile(`${f}@5`, other);
  expect(readFileSync(other, 'utf8')).toBe('five');
  expect(read()).toBe('edited');
});

it('a refresh of the cache does not change a file that was handed out', async () => {
  await client.putFile(`${f}@5`, text('five'));
  await client.getFile(f, out);
  await elsewhere().putFile(`${f}@7`, text('seven'));
  await client.getFile(f, join(directory, 'other'));
  expect(read()).toBe('five');
});

it('a cached version that is newer than what the server has now gives way', async () => {
  await client.putFile(`${f}@9`, text('nine'));
  await elsewhere().deleteFile(f);
  await elsewhere().putFile(`${f}@5`, text('five'));
  expect(await client.getFile(f, out)).toBe(`${f}@5`);
  expect(await client.getFile(`${f}@5`, out)).toBe(`${f}@5`);
  expect(read()).toBe('five');
  expect(warnings).toEqual([]);
});

it('cached files give way when a file has become a directory, and the other way round', async () => {
  await client.putFile(`${f}@5`, text('file'));
  await elsewhere().deleteFile(f);
  await elsewhere().putFile(`${f}/below@5`, text('below'));
  await client.getFile(`${f}/below`, out);
  expect(read()).toBe('below');
  await elsewhere().deleteFile(`${f}/below`);
  await client.putFile(`${f}@9`, text('file again'));
  await client.getFile(`${f}@9`, out);
  expect(read()).toBe('file again');
  expect(warnings).toEqual([]);
});

it.each([false, true])('streams from the server, or through the cache: %s', async (serveFromCache) => {
  await elsewhere().putFile(`${f}@5`, text('five'));
  const { name, size, stream } = await client.getStream(f, { serveFromCache });
  expect(Buffer.concat((await stream.toArray()) as Buffer[]).toString()).toBe('five');
  expect([name, size]).toEqual([`${f}@5`, 4]);
  expect(existsSync(join(cacheDir, 'files', f))).toBe(serveFromCache);
});

it('a file that is not to be cached is not', async () => {
  await client.putFile(f, text('x'), { toLocalStore: false });
  await client.getFile(f, out, { addToCache: false });
  expect(existsSync(join(cacheDir, 'files', f))).toBe(false);
});

it('a cache that cannot be used at all only warns', async () => {
  const file = join(directory, 'not-a-directory');
  writeFileSync(file, '');
  const broken = newClient({ cacheDir: file });
  await broken.putFile(`${f}@5`, text('five'));
  await broken.getFile(`${f}@5`, out);
  expect(read()).toBe('five');
  expect(warnings[0]).toMatch(/^going on without the cache: cannot /);
  await broken.deleteFile(f);
});

it.runIf(isRoot)('a full cache only warns, and keeps no leftovers', async () => {
  mkdirSync(cacheDir);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', cacheDir]);
  try {
    const bytes = randomBytes(3_000_000);
    await client.putFile(f, bytes);
    await client.getFile(f, out);
    expect(readFileSync(out).equals(bytes)).toBe(true);
    expect(warnings[0]).toMatch(/^going on without the cache: cannot write .*no space left/);
    expect(execFileSync('find', [join(cacheDir, 'tmp'), '-type', 'f'], { encoding: 'utf8' })).toBe('');
  } finally {
    execFileSync('umount', [cacheDir]);
  }
});

it('a put without a version becomes the newest, also where a machine with a wrong clock was before', async () => {
  const future = `${f}@4000000000`;
  await elsewhere().putFile(future, text('from the future'));
  expect(await client.putFile(f, text('now'))).toBe(`${f}@4000000001`);
  expect(await client.putFile(f, randomBytes(2_000_000))).toBe(`${f}@4000000002`);
  await client.deleteFile(f);
  await expect(client.fileVersion(f)).rejects.toThrow(/does not exist/);
});

it('a put of an older version says which version is stored, and does not cache its own', async () => {
  await elsewhere().putFile(`${f}@7`, text('seven'));
  expect(await client.putFile(`${f}@5`, text('five'))).toBe(`${f}@7`);
  expect(await collect(client.listLocalFiles())).toEqual([]);
});

it('deletes from the cache and the server; a version only if it is the one stored', async () => {
  await client.putFile(`${f}@7`, text('seven'));
  await expect(client.deleteFile(`${f}@5`)).rejects.toThrow(/has version 7/);
  expect(await client.fileVersion(f)).toBe(7);
  await client.deleteFile(`${f}@7`);
  await expect(client.stat(f)).rejects.toThrow(/does not exist/);
  expect(existsSync(join(cacheDir, 'files', f))).toBe(false);
  expect(existsSync(join(cacheDir, 'locks', f))).toBe(false);
  await expect(client.deleteFile(f)).rejects.toThrow(/does not exist/);
});

it('a server in fallback mode leads to the files of the other', async () => {
  const fresh = await startServer(temporaryDirectory(), '--fallback-url', server.process.url);
  onTestFinished(async () => void (await fresh.end()));
  await elsewhere().putFile(`${f} a%b?@5`, text('five'));
  const migrating = newClient({ remoteUrl: fresh.url });
  expect(await migrating.getFile(`${f} a%b?`, out)).toBe(`${f} a%b?@5`);
  expect(await migrating.fileVersion(`${f} a%b?`)).toBe(5);
  expect(read()).toBe('five');
});
