import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import {
  ConnectionError,
  ContentError,
  FileTrackerClient,
  type FileTrackerClientOptions,
  ServerError,
} from '@filetracker/client';
import { expect, it, onTestFinished } from 'vitest';
import { PATIENTLY } from '../support/patiently.js';
import { reply, type Script, startScriptedServer } from '../support/scripted-server.js';
import { startServer } from '../support/server-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const FILE_HEADERS = { 'Last-Modified': 'Thu, 01 Jan 1970 00:00:05 -0000', 'Logical-Size': '1000' };
const BODY = randomBytes(1000);

/** A client of a server that follows a script, with a directory for its files. */
async function scripted(script: Script, options: FileTrackerClientOptions = {}) {
  const server = await startScriptedServer(script);
  const directory = temporaryDirectory();
  const warnings: string[] = [];
  const client = new FileTrackerClient({
    remoteUrl: server.url,
    cacheDir: join(directory, 'cache'),
    onWarning: (message) => warnings.push(message),
    ...options,
  });
  onTestFinished(async () => {
    await client.close();
    await server.close();
  });
  return { client, server, directory, warnings, target: join(directory, 'out') };
}

const cut: Script = (socket) =>
  socket.end(reply(BODY.subarray(0, 400), { length: 1000, headers: FILE_HEADERS }));
const whole: Script = (socket) => socket.write(reply(BODY, { headers: FILE_HEADERS }));
const gzipHeaders = { ...FILE_HEADERS, 'Content-Encoding': 'gzip' };

it('a download that is cut once is repeated', async () => {
  const { client, target, warnings } = await scripted((socket, attempt) =>
    (attempt === 0 ? cut : whole)(socket, attempt),
  );
  expect(await client.getFile('/f', target)).toBe('/f@5');
  expect(readFileSync(target).equals(BODY)).toBe(true);
  expect(warnings.join()).toMatch(/closed the connection too early; trying again/);
});

it.each([
  ['cut by the server', cut, ConnectionError],
  [
    'without a length, cut',
    (socket) =>
      socket.end(reply(BODY.subarray(0, 400), { headers: { ...FILE_HEADERS, 'Content-Length': '400' } })),
    ContentError,
  ],
  [
    'a gzip stream that stops',
    (socket) => socket.write(reply(gzipSync(BODY).subarray(0, -9), { headers: gzipHeaders })),
    ContentError,
  ],
  [
    'a gzip stream with a flipped bit',
    (socket) => {
      const bytes = gzipSync(BODY);
      bytes.writeUInt8(bytes.readUInt8(500) ^ 1, 500);
      socket.write(reply(bytes, { headers: gzipHeaders }));
    },
    ContentError,
  ],
  [
    'a gzip bomb',
    (socket) => socket.write(reply(gzipSync(Buffer.alloc(50_000_000)), { headers: gzipHeaders })),
    ContentError,
  ],
  [
    'other bytes than the digest says',
    (socket) =>
      socket.write(reply(BODY, { headers: { ...FILE_HEADERS, 'SHA256-Checksum': '0'.repeat(64) } })),
    ContentError,
  ],
] as const satisfies readonly (readonly [
  string,
  Script,
  unknown,
])[])('a download is an error, never a success: %s', async (_, script, kind) => {
  const { client, directory, target } = await scripted(script, { retries: 0 });
  for (const addToCache of [true, false]) {
    await expect(client.getFile('/f', target, { addToCache })).rejects.toThrow(kind);
  }
  const { stream } = await client.getStream('/f');
  await expect(stream.toArray()).rejects.toThrow(kind);
  expect(existsSync(target)).toBe(false);
  expect(readdirSync(directory)).toEqual(['cache']);
  expect(existsSync(join(directory, 'cache/files/f'))).toBe(false);
  expect(readdirSync(join(directory, 'cache/tmp'))).toEqual([]);
});

it('a server that dies by kill -9 in the middle of a download: an error, the old file stays, no leftovers', async () => {
  const directory = temporaryDirectory();
  const server = await startServer(join(directory, 'server'));
  onTestFinished(async () => void (await server.end('SIGKILL')));
  const uploader = new FileTrackerClient({ remoteUrl: server.url, localStore: 'none' });
  await uploader.putFile('/big', randomBytes(64 * 1024 * 1024));
  await uploader.close();
  const target = join(directory, 'out');
  writeFileSync(target, 'before');
  const client = new FileTrackerClient({
    remoteUrl: server.url,
    cacheDir: join(directory, 'cache'),
    retries: 1,
    onWarning: () => {},
  });
  let killed = false;
  const onProgress = ({ done }: { done: number }) => {
    if (done > 0 && !killed) {
      killed = true;
      server.child.kill('SIGKILL');
    }
  };
  await expect(client.getFile('/big', target, { onProgress })).rejects.toThrow(ConnectionError);
  expect(readFileSync(target, 'utf8')).toBe('before');
  expect(readdirSync(join(directory, 'cache/tmp'))).toEqual([]);
  expect(readdirSync(directory).sort()).toEqual(['cache', 'out', 'server']);
  await client.close();
});

it('a put is repeated when the connection breaks, a delete is not', async () => {
  const ok = reply('', { headers: FILE_HEADERS });
  const { client, server } = await scripted((socket, attempt) => {
    if (attempt === 0 || attempt === 3) socket.destroy();
    else socket.write(ok);
  });
  expect(await client.putFile('/f@5', Buffer.from('x'))).toBe('/f@5');
  await expect(client.deleteFile('/f')).rejects.toThrow(ConnectionError);
  expect(server.requests.map((line) => line.split(' ')[0])).toEqual(['PUT', 'PUT', 'HEAD', 'DELETE']);
});

it('what the server refuses is not repeated; what it cannot do now is', async () => {
  const refused = await scripted((socket) =>
    socket.write(reply('no', { status: '400 Bad Request', headers: { 'X-Exception': 'wrong digest' } })),
  );
  const put = refused.client.putFile('/f', Buffer.from('x'));
  await expect(put).rejects.toThrow(new ServerError(400, 'wrong digest'));
  await expect(put).rejects.toMatchObject({
    status: 400,
    code: 'refused',
    message: 'HTTP/400: wrong digest',
  });
  expect(refused.server.requests).toHaveLength(1);
  // A page for people, as nginx makes one.
  const page = '<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>...</body>\r\n</html>\r\n';
  const plain = await scripted((socket) => socket.write(reply(page, { status: '404 Not Found' })));
  await expect(plain.client.getFile('/f', plain.target)).rejects.toThrow('/f does not exist (Not Found)');
  // Looked for by steps back and forth, the end of this title would take hours.
  const endless = await scripted((socket) =>
    socket.write(reply(`<a><title>${' '.repeat(60_000)}`, { status: '404 Not Found' })),
  );
  await expect(endless.client.getFile('/f', endless.target)).rejects.toThrow('/f does not exist');
  const busy = await scripted((socket, attempt) => {
    if (attempt < 2) socket.write(reply('', { status: '503 Service Unavailable' }));
    else whole(socket, attempt);
  });
  await busy.client.getFile('/f', busy.target);
  expect(busy.server.requests).toHaveLength(3);
});

it('waits no longer than its time-outs', async () => {
  const silent = await scripted(() => {}, { timeouts: { headers: 1000 }, retries: 0 });
  await expect(silent.client.fileVersion('/f')).rejects.toMatchObject({ code: 'timeout' });
  const stalled = await scripted(
    (socket) => socket.write(reply(BODY.subarray(0, 10), { length: 1000, headers: FILE_HEADERS })),
    { timeouts: { idle: 1000 }, retries: 0 },
  );
  await expect(stalled.client.getFile('/f', stalled.target, { addToCache: false })).rejects.toMatchObject({
    code: 'timeout',
  });
});

it('tells that the first answer is long in coming, and goes on once it comes', async () => {
  const held: ServerResponse[] = [];
  const server = createServer((request, response) => {
    if (request.url === '/version/') held.push(response);
    else response.writeHead(404).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const remoteUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const warnings: string[] = [];
  const onWarning = (message: string) => warnings.push(message);
  const client = new FileTrackerClient({ remoteUrl, localStore: 'none', onWarning });
  onTestFinished(async () => {
    await client.close();
    server.close();
  });
  const version = client.fileVersion('/f');
  await expect
    .poll(() => warnings, PATIENTLY)
    .toEqual([`${remoteUrl} has not answered for 5 s; still waiting`]);
  for (const response of held) response.end('{"protocol_versions":[2,3]}');
  await expect(version).rejects.toMatchObject({ code: 'not_found' });
  expect(warnings).toHaveLength(1);
});

it.each<[string, Script]>([
  ['never answers', () => {}],
  ['takes no more of a put', (socket) => socket.pause()],
])('tells soon of a server that %s in the middle of its work, and fails later', async (_, stall) => {
  const script: Script = (socket, attempt) =>
    attempt === 0 ? socket.write(reply('', { headers: FILE_HEADERS })) : stall(socket, attempt);
  const options = { timeouts: { headers: 4000 }, retries: 0, localStore: 'none' } as const;
  const { client, server, warnings } = await scripted(script, options);
  await client.putFile('/f@5', Buffer.from('x'));
  const putting = client.putFile('/g@5', randomBytes(10_000_000), { compress: false });
  const told = `${server.url} has not answered for 0.4 s; waiting up to 4 s`;
  await expect(putting).rejects.toMatchObject({ code: 'timeout' });
  expect(new Set(warnings)).toEqual(new Set([told]));
});

it('an abort ends a download at once and leaves nothing', async () => {
  const abort = new AbortController();
  const { client, directory, target } = await scripted((socket) => {
    socket.write(reply(BODY.subarray(0, 10), { length: 1000, headers: FILE_HEADERS }));
  });
  const onProgress = ({ done }: { done: number }) => {
    if (done > 0) abort.abort(new Error('changed my mind'));
  };
  await expect(client.getFile('/f', target, { signal: abort.signal, onProgress })).rejects.toThrow(
    'changed my mind',
  );
  expect(existsSync(target)).toBe(false);
  expect(readdirSync(join(directory, 'cache/tmp'))).toEqual([]);
});

it('follows redirects', async () => {
  const sha = createHash('sha256').update(BODY).digest('hex');
  const there = await startScriptedServer((socket) =>
    socket.write(reply(BODY, { headers: { ...FILE_HEADERS, 'SHA256-Checksum': sha } })),
  );
  onTestFinished(() => there.close());
  const { client, target, server } = await scripted((socket) => {
    socket.write(
      reply('', { status: '307 Temporary Redirect', headers: { Location: `${there.url}/files/a%25b` } }),
    );
  });
  await client.getFile('/a%b', target, { addToCache: false });
  expect(readFileSync(target).equals(BODY)).toBe(true);
  expect(server.requests).toEqual(['GET /files/a%25b HTTP/1.1']);
  expect(there.requests).toEqual(['GET /files/a%25b HTTP/1.1']);
});

it('says so when something else than Filetracker answers', async () => {
  const { url, close } = await startScriptedServer((socket) => socket.write(reply('<html>')));
  onTestFinished(close);
  const elsewhere = new FileTrackerClient({ remoteUrl: `${url}/other`, localStore: 'none' });
  await expect(elsewhere.fileVersion('/f')).rejects.toThrow(/is not a Filetracker server/);
  await elsewhere.close();
  expect(() => new FileTrackerClient({ remoteUrl: 'ftp://x' })).toThrow(/not a server's URL/);
});

it.each([
  ['a connection serves many questions about files', [2, 3], 2],
  ['each question to an old server, which may answer it with a body, has its own', [2], 10],
])('%s', async (_, versions, connections) => {
  let opened = 0;
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/version/')) response.end(JSON.stringify({ protocol_versions: versions }));
    else response.writeHead(200, { ...FILE_HEADERS, 'Content-Length': 1000 }).end();
  });
  server.on('connection', () => opened++).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const remoteUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = new FileTrackerClient({ remoteUrl, localStore: 'none' });
  onTestFinished(async () => {
    await client.close();
    server.close();
  });
  for (let index = 0; index < 10; index++) expect(await client.fileVersion('/f')).toBe(5);
  // The first may begin before the connection that asked for the version is free.
  expect(Math.max(opened, 2)).toBe(connections);
});
