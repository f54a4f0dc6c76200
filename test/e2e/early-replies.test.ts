import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { parseFileName, RemoteDataStore, toVersion } from '@filetracker/client';
import { beforeAll, describe, expect, it } from 'vitest';
import { contentOf } from '../conformance/data-store.js';
import { makeAuthority, makeCertificate } from '../support/certificates.js';
import { incompressible } from '../support/contents.js';
import { sendThenListen } from '../support/deaf-client.js';
import { fileTarget } from '../support/file-requests.js';
import { fillUp, makeTmpfs } from '../support/file-systems.js';
import { rawExchange } from '../support/raw-http.js';
import { isRoot } from '../support/root.js';
import { run, startForTest } from '../support/server-command.js';
import { stagedFiles } from '../support/store-files.js';
import { suiteServer } from '../support/suite-server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const MEBIBYTE = 1024 * 1024;
const server = suiteServer('--max-file-size', '16M');

/** Much more than fits into the buffers of a connection. */
const long = Buffer.alloc(24 * MEBIBYTE, 'x');
const longZipped = gzipSync(long, { level: 0 });
const target = fileTarget('file', 1);

interface Head {
  readonly method?: string;
  readonly target: string;
  readonly version?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request with the whole body behind its head. */
function upload(body: Uint8Array, { method = 'PUT', target, version = '1.1', headers = {} }: Head): Buffer {
  const lines = Object.entries({ Host: 'localhost', 'Content-Length': String(body.length), ...headers });
  const head = [`${method} ${target} HTTP/${version}`, ...lines.map((line) => line.join(': '))];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]);
}

/** What comes of a refused body that goes on and on; times in milliseconds. */
async function sendEndlessly() {
  const socket = connect(server.port, '127.0.0.1');
  // Whether it ends or is reset depends on what is under way in that moment.
  socket.on('error', () => undefined);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  const drip = setInterval(() => socket.write('x'.repeat(1000)), 100);
  try {
    const started = performance.now();
    socket.write(
      upload(Buffer.alloc(80 * MEBIBYTE), { target, headers: { 'Content-Length': '1000000000' } }),
    );
    const [reply] = (await once(socket, 'data')) as [Buffer];
    const answeredAfter = performance.now() - started;
    await closed;
    return { reply: reply.toString(), answeredAfter, cutAfter: performance.now() - started };
  } finally {
    clearInterval(drip);
  }
}

// It takes half a minute in which the other tests have nothing to wait for.
let endless: ReturnType<typeof sendEndlessly>;
beforeAll(() => {
  endless = sendEndlessly();
});

const asForm = { 'Content-Type': 'multipart/form-data; boundary=X' };
const form = Buffer.concat([
  Buffer.from('--X\r\nContent-Disposition: form-data; name="f"; filename="file"\r\n\r\n'),
  long,
  Buffer.from('\r\n--X--\r\n'),
]);
const gzip = { 'Content-Encoding': 'gzip' };

describe('whoever sends a long body to its end, and only then listens, gets the refusal', () => {
  describe.each([
    ['a connection that stays', '1.1', {}],
    ['a connection for one request', '1.1', { Connection: 'close' }],
    ['HTTP/1.0', '1.0', {}],
  ])('over %s', (_, version, connection) => {
    it.each<[string, Uint8Array, Head, number]>([
      [
        'more than its Logical-Size',
        longZipped,
        { target, headers: { ...gzip, 'Logical-Size': '1000' } },
        400,
      ],
      ['no version', longZipped, { target: fileTarget('file'), headers: gzip }, 400],
      ['a name that breaks a rule', longZipped, { target: '/files/a%2f..%2fb', headers: gzip }, 400],
      ['a length beyond --max-file-size', long, { target }, 413],
      ['a form with such a file', form, { method: 'POST', target: '/upload', headers: asForm }, 413],
      ['a batch that is none', long, { method: 'POST', target: '/batch' }, 415],
      ['an unknown encoding', long, { target, headers: { 'Content-Encoding': 'br' } }, 415],
      ['an unknown endpoint', long, { target: '/nowhere' }, 400],
      ['a path that is no UTF-8', long, { target: '/files/%ff?last_modified=1' }, 400],
    ])('%s', async (_, body, head, status) => {
      const request = upload(body, { ...head, version, headers: { ...head.headers, ...connection } });
      const replies = await Promise.all([1, 2].map(() => sendThenListen(server.port, request)));
      expect(replies.map((reply) => reply.status)).toEqual([status, status]);
      for (const { headers, body } of replies)
        expect(body.length).toBe(Number(headers.get('content-length')));
    });
  });

  it('also beyond what is read of a body that never ends', async () => {
    const request = upload(Buffer.alloc(80 * MEBIBYTE), { target });
    const replies = await Promise.all([1, 2, 3, 4].map(() => sendThenListen(server.port, request)));
    expect(replies.map(({ status }) => status)).toEqual([413, 413, 413, 413]);
  });

  it.each([
    ['no HTTP', Buffer.alloc(long.length, 'x'), 400],
    [
      'a chunk without a length',
      Buffer.from(`PUT ${target} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`),
      400,
    ],
    ['headers without an end', Buffer.from('PUT /files/a HTTP/1.1\r\nHost: x\r\nA: '), 431],
  ])('%s', async (_, start, status) => {
    expect((await sendThenListen(server.port, Buffer.concat([start, long]))).status).toBe(status);
  });

  it('of a store that cannot begin to write', async () => {
    const directory = temporaryDirectory();
    const { port } = await startForTest(directory);
    rmSync(join(directory, 'tmp'), { recursive: true });
    expect((await sendThenListen(port, upload(long, { target }))).status).toBe(500);
  });

  it('over TLS', async () => {
    const directory = temporaryDirectory();
    const authority = makeAuthority(directory);
    const { cert, key } = makeCertificate(directory, authority, 'server');
    const flags = ['--tls-cert', cert, '--tls-key', key, '--max-file-size', '16M'];
    const { port } = await startForTest(temporaryDirectory(), ...flags);
    const socket = connectTls({ port, host: '127.0.0.1', ca: readFileSync(authority.cert) });
    await once(socket, 'secureConnect');
    const request = upload(long, { target, headers: { Connection: 'close' } });
    expect((await sendThenListen(socket, request)).status).toBe(413);
  });

  const connections = [{}, { Connection: 'close' }];

  it('of a token', async () => {
    const tokens = join(temporaryDirectory(), 'tokens');
    writeFileSync(tokens, 'reader-0123456789 read\n', { mode: 0o600 });
    const { port } = await startForTest(temporaryDirectory(), '--token-file', tokens);
    const reader = { Authorization: 'Bearer reader-0123456789' };
    for (const connection of connections) {
      const send = (headers: Readonly<Record<string, string>>) =>
        sendThenListen(port, upload(long, { target, headers: { ...headers, ...connection } }));
      expect((await send({})).status).toBe(401);
      expect((await send(reader)).status).toBe(403);
    }
  });

  it.runIf(isRoot)('of a disk that becomes full meanwhile', async () => {
    const disk = makeTmpfs(64);
    const directory = join(disk.path, 'store');
    const { port, url } = await startForTest(directory);
    const body = incompressible('long', long.length);
    const makeRoom = fillUp(disk, 4 * MEBIBYTE);
    for (const headers of connections) {
      const request = upload(body, { target, headers });
      const replies = await Promise.all([1, 2].map(() => sendThenListen(port, request)));
      for (const { status, headers } of replies) {
        expect(status).toBe(507);
        expect(headers.get('x-exception')).toBe('the server has no room left on its disk');
      }
    }
    const client = new RemoteDataStore({ url });
    await expect(client.put(parseFileName('file'), toVersion(1), contentOf(body))).rejects.toMatchObject({
      status: 507,
      code: 'storage_full',
    });
    await client.close();
    expect(stagedFiles(directory)).toEqual([]);
    makeRoom();
    expect((await sendThenListen(port, upload(body, { target }))).status).toBe(200);
  });

  it('of a bound on requests', async () => {
    const bounds = ['--max-requests-per-second', '1', '--max-file-size', '16M'];
    const { port } = await startForTest(temporaryDirectory(), ...bounds);
    for (const headers of connections) {
      const request = upload(long, { target, headers });
      const replies = await Promise.all([1, 2, 3].map(() => sendThenListen(port, request)));
      const statuses = replies.map(({ status }) => status);
      expect(statuses).toContain(429);
      for (const status of statuses) expect([413, 429]).toContain(status);
    }
  });
});

describe('whoever listens while it sends a long body gets the refusal before the end of it', () => {
  const headers = { 'Content-Length': '1000000000' };

  it('over a connection that stays', async () => {
    expect((await sendThenListen(server.port, upload(Buffer.alloc(0), { target, headers }))).status).toBe(
      413,
    );
  });

  it('over a connection for one request, which is closed behind it', async () => {
    const request = upload(Buffer.alloc(0), { target, headers: { ...headers, Connection: 'close' } });
    expect((await rawExchange(server.port, request)).status).toBe(413);
  });

  it('our own client', async () => {
    const store = new RemoteDataStore({ url: server.process.url });
    await expect(store.put(parseFileName('file'), toVersion(1), contentOf(long))).rejects.toMatchObject({
      status: 413,
      code: 'too_large',
    });
    await store.close();
  });

  it('curl, with and without a wait for "100 Continue"', async () => {
    const path = join(temporaryDirectory(), 'long');
    writeFileSync(path, long);
    for (const expectation of ['Expect:', 'Expect: 100-continue']) {
      const url = `${server.process.url}${target}`;
      const ended = await run(['curl', '-s', '-H', expectation, '-w', ' %{http_code}', '-T', path, url]);
      expect(ended.code).toBe(0);
      expect(ended.stdout).toMatch(/larger than .* 413$/s);
    }
  });
});

it('a connection is good for more requests when the rest of a refused body has come', async () => {
  const refused = upload(long, { target });
  const next = upload(Buffer.from('next'), { target, headers: { Connection: 'close' } });
  const { body, status } = await rawExchange(server.port, Buffer.concat([refused, next]));
  expect(status).toBe(413);
  expect(body.toString('latin1')).toMatch(/HTTP\/1\.1 200 OK/);
});

it('a refused body that goes on for half a minute and beyond 64 MiB is cut', async () => {
  const { reply, answeredAfter, cutAfter } = await endless;
  expect(reply).toMatch(/^HTTP\/1.1 413 /);
  expect(answeredAfter).toBeLessThan(20_000);
  expect(cutAfter).toBeGreaterThan(29_000);
});
