import { once } from 'node:events';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { FileTrackerClient } from '@filetracker/client';
import { expect, it, onTestFinished } from 'vitest';
import { startNginx } from '../../bench/support/nginx.js';
import { collect } from '../support/collect.js';
import { incompressible } from '../support/contents.js';
import { filetracker, startFiletracker } from '../support/filetracker-process.js';
import { PATIENTLY } from '../support/patiently.js';
import { runServer, startForTest } from '../support/server-command.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

function clientOf(remoteUrl: string): FileTrackerClient {
  const client = new FileTrackerClient({ localStore: 'none', remoteUrl, retries: 0 });
  onTestFinished(() => client.close());
  return client;
}

async function read(client: FileTrackerClient, name: string): Promise<string> {
  const { stream } = await client.getStream(name);
  return Buffer.concat((await stream.toArray()) as Buffer[]).toString();
}

it('an online migration from plain files behind nginx: reads, writes and deletes go on, and it ends complete', async () => {
  const directory = temporaryDirectory();
  const nginx = await startNginx(directory);
  onTestFinished(() => nginx.stop());
  const old = join(nginx.root, 'files');
  const names = Array.from({ length: 40 }, (_, index) => `d${index % 4}/ż ${index}%20?#.txt`);
  for (const [index, name] of names.entries()) {
    const path = join(old, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `old ${name}`);
    utimesSync(path, 1_500_000_000 + index, 1_500_000_000 + index);
  }
  writeFileSync(join(old, 'large'), incompressible('large', 3_000_000));

  const store = join(directory, 'store');
  const server = await startForTest(store, '--fallback-url', nginx.url, '--fallback-import');
  const client = clientOf(server.url);
  const part = (remainder: number) =>
    names.filter((_, index) => index % 5 === remainder).map((name) => `/${name}`);
  const [readFirst, overwritten, deleted, deletedAfterRead] = [part(0), part(1), part(2), part(3)];
  await Promise.all([
    ...readFirst.map(async (name) => expect(await read(client, name)).toBe(`old ${name.slice(1)}`)),
    ...overwritten.map((name) => client.putFile(name, Buffer.from('new'))),
    ...deleted.map((name) => client.deleteFile(name)),
    ...deletedAfterRead.map(async (name) => {
      await read(client, name);
      await client.deleteFile(name);
    }),
    read(client, '/large'),
    read(client, '/large'),
  ]);
  for (const name of [...deleted, ...deletedAfterRead]) {
    await expect(read(client, name)).rejects.toThrow(/does not exist/);
  }
  await expect(read(client, '/d0')).rejects.toThrow(/does not exist/);

  // What nobody has asked for is asked for now.
  const rest = await filetracker(['--json', '--fetch', old, server.url], {
    cwd: directory,
    program: 'filetracker-migrate',
  });
  expect(rest).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(rest.stdout)).toMatchObject({
    newer: overwritten.length + deleted.length + deletedAfterRead.length,
  });
  await nginx.stop();
  await server.end();

  const alone = await startForTest(store);
  const after = clientOf(alone.url);
  const left = names.filter((name) => ![...deleted, ...deletedAfterRead].includes(`/${name}`));
  const listed = await collect(after.listFiles());
  expect(listed.map(({ name }) => name).sort()).toEqual([...left, 'large'].sort());
  for (const { name, stat } of listed) {
    if (name === 'large') continue;
    const isNew = overwritten.includes(`/${name}`);
    expect(await read(after, `/${name}`)).toBe(isNew ? 'new' : `old ${name}`);
    if (!isNew) expect(stat?.version).toBe(1_500_000_000 + names.indexOf(name));
  }
});

/** A server to fall back to that answers as a test wants. */
async function fallback(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const HEADERS = { 'Last-Modified': 'Tue, 14 Nov 2023 22:13:20 GMT' };

it('many readers of one file fetch it once', async () => {
  let asked = 0;
  const url = await fallback((_, response) => {
    asked++;
    setTimeout(() => response.writeHead(200, HEADERS).end('content'), 50);
  });
  const server = await startForTest(temporaryDirectory(), '--fallback-url', url, '--fallback-import');
  const client = clientOf(server.url);
  const all = await Promise.all(Array.from({ length: 20 }, () => read(client, '/a')));
  expect(new Set(all)).toEqual(new Set(['content']));
  expect(await client.fileVersion('/a')).toBe(1_700_000_000);
  expect(asked).toBe(1);
});

it.each<[string, RequestListener, RegExp]>([
  [
    'breaks off',
    (_, response) => {
      response.writeHead(200, { ...HEADERS, 'Content-Length': '1000' });
      response.write('half');
      setTimeout(() => response.destroy(), 50);
    },
    /500.*it broke off/,
  ],
  [
    'sends another content than it says',
    (_, response) => {
      response.writeHead(200, { ...HEADERS, 'SHA256-Checksum': '0'.repeat(64) }).end('x');
    },
    /500.*SHA256-Checksum/,
  ],
  ['fails', (_, response) => void response.writeHead(500).end(), /500.*it answered 500/],
  ['does not tell the version', (_, response) => void response.end('x'), /500.*without Last-Modified/],
])('a fallback that %s stores nothing', async (_, answer, message) => {
  const url = await fallback(answer);
  const server = await startForTest(temporaryDirectory(), '--fallback-url', url, '--fallback-import');
  const client = clientOf(server.url);
  await expect(read(client, '/a')).rejects.toThrow(message);
  expect(await collect(client.listFiles())).toEqual([]);
});

it.each<[string, RequestListener]>([
  ['never answers', () => undefined],
  [
    'stops in the middle',
    (_, response) => {
      response.writeHead(200, { ...HEADERS, 'Content-Length': '1000' });
      response.write('half');
    },
  ],
])('a fallback that %s is given up before the connection of who waits is cut', async (_, answer) => {
  const url = await fallback(answer);
  const flags = ['--fallback-url', url, '--fallback-import', '--idle-timeout', '8'];
  const server = await startForTest(temporaryDirectory(), ...flags);
  const client = clientOf(server.url);
  await expect(read(client, '/a')).rejects.toThrow(/503.*fall back to cannot be asked: nothing came for 4 s/);
  expect(await collect(client.listFiles())).toEqual([]);
});

const NOT_THERE =
  /^filetracker-migrate: \/a: neither the server nor .* has it: does it run with --fallback-import\?$/m;

it.each<[string, (url: string) => readonly string[], RegExp]>([
  ['knows no other server', () => [], NOT_THERE],
  [
    'redirects',
    (url) => ['--fallback-url', url],
    /^filetracker-migrate: \/a: the server only redirects to it/m,
  ],
  ['looks in the wrong place', (url) => ['--fallback-url', `${url}/wrong`, '--fallback-import'], NOT_THERE],
])('--fetch fails for what a server did not get that %s', async (_, flags, message) => {
  const url = await fallback((request, response) => {
    response.writeHead(request.url === '/files/a' ? 200 : 404, HEADERS).end();
  });
  const directory = temporaryDirectory();
  writeFileSync(join(directory, 'a'), 'content');
  const server = await startForTest(temporaryDirectory(), ...flags(url));
  const args = ['--fetch', directory, server.url];
  const ended = await filetracker(args, { cwd: directory, program: 'filetracker-migrate' });
  expect(ended).toMatchObject({ code: 1 });
  expect(ended.stderr).toMatch(message);
});

it('--fetch waits for a server to fall back to that is away for a while', async () => {
  const answer: RequestListener = (_, response) => void response.writeHead(200, HEADERS).end('content');
  const away = createServer(answer);
  away.listen(0, '127.0.0.1');
  await once(away, 'listening');
  const { port } = away.address() as AddressInfo;
  await new Promise((resolve) => away.close(resolve));
  const directory = temporaryDirectory();
  mkdirSync(join(directory, 'old'));
  for (let index = 0; index < 100; index++) writeFileSync(join(directory, 'old', String(index)), '');
  const server = await startForTest(
    temporaryDirectory(),
    '--fallback-url',
    `http://127.0.0.1:${port}`,
    '--fallback-import',
  );
  const args = ['--fetch', 'old', server.url];
  const child = startFiletracker(args, { cwd: directory, program: 'filetracker-migrate' });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const closed = once(child, 'close');
  await expect.poll(() => said, PATIENTLY).toContain(`ECONNREFUSED 127.0.0.1:${port}; waiting up to 60 s`);
  const back = createServer(answer).listen(port, '127.0.0.1');
  onTestFinished(() => void back.close());
  expect(await closed).toEqual([0, null]);
  expect(said).toMatch(/^100 files stored/m);
});

it('a name that was deleted here is 410 in protocol 3 and 404 in protocol 2', async () => {
  const url = await fallback((_, response) => void response.writeHead(200, HEADERS).end('content'));
  const server = await startForTest(temporaryDirectory(), '--fallback-url', url, '--fallback-import');
  const client = clientOf(server.url);
  await read(client, '/a');
  await client.deleteFile('/a');
  const statusWith = async (headers: Record<string, string>) =>
    (await fetch(`${server.url}/files/a`, { headers })).status;
  expect(await statusWith({})).toBe(404);
  expect(await statusWith({ 'Filetracker-Protocol': '3' })).toBe(410);
  await expect(read(client, '/a')).rejects.toThrow(/\/a does not exist \("\/a" was deleted here\)/);
});

it('--fallback-import needs --fallback-url', async () => {
  const ended = await runServer('-d', temporaryDirectory(), '--fallback-import');
  expect(ended).toMatchObject({ code: 2 });
  expect(ended.stderr).toMatch(/--fallback-import needs --fallback-url/);
});
