import { once } from 'node:events';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { compressFrame } from '@filetracker/durable-fs/zstd-frame';
import { beforeAll, describe, expect, it } from 'vitest';
import { incompressible, sha256 } from '../support/contents.js';
import { deleteFile, fileTarget, getFile, putFile } from '../support/file-requests.js';
import { type RawReply, rawExchange, rawRequest } from '../support/raw-http.js';
import { settledStore } from '../support/settled-store.js';
import { suiteServer } from '../support/suite-server.js';

const MEBIBYTE = 1024 * 1024;
const server = suiteServer('--max-file-size', '2M');
const large = incompressible('large', 1.5 * MEBIBYTE);
const text = Buffer.from('some text that fits into one frame\n'.repeat(50));

beforeAll(async () => {
  await putFile(server.port, { name: 'dir/small', version: 1000, content: Buffer.from('small') });
  await putFile(server.port, { name: 'dir/large', version: 1000, content: large });
});

/** Checks that a request is refused in the form that clients read, and that nothing comes of it. */
async function refused(
  ask: () => Promise<RawReply>,
  { status, reason }: { readonly status: number; readonly reason: RegExp },
): Promise<RawReply> {
  const before = await settledStore(server);
  const reply = await ask();
  expect(reply.status).toBe(status);
  expect(reply.headers.get('x-exception')).toMatch(reason);
  expect(`${reply.headers.get('x-exception')}${reply.body.toString()}`).not.toMatch(
    /filetracker-suite| {4}at /,
  );
  expect(await settledStore(server)).toEqual(before);
  return reply;
}

const zstdOf = (content: Uint8Array) => Buffer.from(compressFrame(content, 3));

const DATE = 'last_modified=Tue%2C%2014%20Nov%202023%2022%3A13%3A20%20-0000';

function put(
  target: string,
  { content = text as Uint8Array, headers = {} as Readonly<Record<string, string>> } = {},
): Promise<RawReply> {
  return rawRequest(server.port, {
    method: 'PUT',
    target,
    headers: Object.entries({ 'Content-Length': String(content.byteLength), ...headers }),
    body: content,
  });
}

describe('a name that breaks a rule is refused with the rule', () => {
  it.each([
    ['".."', '/files/a/../b', /"\.\."/],
    ['".." encoded', '/files/a/%2e%2e/b', /"\.\."/],
    ['".." with an encoded slash', '/files/a%2F..%2Fb', /"\.\."/],
    ['".." only', '/files/..', /"\.\."/],
    ['NUL', '/files/a%00b', /control characters/],
    ['a newline', '/files/a%0Ab', /control characters/],
    ['DEL', '/files/a%7Fb', /control characters/],
    ['a component of 256 bytes', `/files/a/${'x'.repeat(256)}`, /255 bytes/],
    ['a component of 256 bytes of UTF-8', `/files/${'%C5%BC'.repeat(128)}`, /255 bytes/],
    ['a name of 1,025 bytes', `/files/${'abcd/'.repeat(205)}`.replace(/\/$/, 'x'), /1024 bytes/],
    ['invalid UTF-8', '/files/%FF%FE', /UTF-8|valid/],
    ['UTF-8 cut short', '/files/a%C5', /UTF-8|valid/],
    ['a surrogate', '/files/%ED%A0%80', /UTF-8|valid/],
    ['a lone percent sign', '/files/100%', /UTF-8|valid/],
    ['an empty component', '/files/a%2F%2Fb', /empty component/],
    ['nothing', '/files/', /empty/],
    ['only a dot', '/files/.', /empty/],
  ])('%s', async (_, target, reason) => {
    await refused(() => put(`${target}?${DATE}`), { status: 400, reason });
    await refused(() => rawRequest(server.port, { method: 'GET', target }), { status: 400, reason });
    await refused(() => rawRequest(server.port, { method: 'DELETE', target: `${target}?${DATE}` }), {
      status: 400,
      reason,
    });
  });

  it('bytes beyond ASCII that were not percent-encoded', async () => {
    const line = `/raw-\u017c?${DATE} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx`;
    await refused(() => rawExchange(server.port, Buffer.from(`PUT /files${line}`)), {
      status: 400,
      reason: /HTTP/,
    });
  });

  it('names at the limits are accepted', async () => {
    for (const name of ['x'.repeat(255), `${'abcd/'.repeat(204)}abcd`, '\u017c'.repeat(127)]) {
      expect((await putFile(server.port, { name, version: 1, content: text })).status).toBe(200);
      expect((await getFile(server.port, name)).body.equals(text)).toBe(true);
      expect((await deleteFile(server.port, name, 1)).status).toBe(200);
    }
  });
});

describe('a version that cannot be one is refused', () => {
  it.each([
    ['missing', ''],
    ['empty', '?last_modified='],
    ['no date', '?last_modified=yesterday'],
    ['an ISO date', '?last_modified=2023-11-14T22%3A13%3A20Z'],
    ['before 1970', '?last_modified=Wed%2C%2031%20Dec%201969%2023%3A59%3A59%20-0000'],
    ['before 1970 by its zone', '?last_modified=Thu%2C%2001%20Jan%201970%2000%3A59%3A59%20%2B0100'],
    ['after 9999', '?last_modified=Fri%2C%2031%20Dec%209999%2023%3A59%3A59%20-0001'],
    ['a day that does not exist', '?last_modified=Fri%2C%2031%20Feb%202023%2000%3A00%3A00%20-0000'],
    ['given twice', `?${DATE}&${DATE}`],
  ])('%s', async (_, query) => {
    const reason = /last_modified|version/;
    await refused(() => put(`/files/dir/small${query}`), { status: 400, reason });
    await refused(() => rawRequest(server.port, { method: 'DELETE', target: `/files/dir/small${query}` }), {
      status: 400,
      reason,
    });
  });
});

describe('a content that is not what its headers say is refused', () => {
  const digest = sha256(text);
  const zipped = gzipSync(text);
  const zstd = zstdOf(text);
  const damaged = (bytes: Buffer) => {
    const copy = Buffer.from(bytes);
    const middle = copy.length >> 1;
    copy[middle] = (copy[middle] ?? 0) ^ 0xff;
    return copy;
  };
  const largeZipped = gzipSync(incompressible('zipped', 1.5 * MEBIBYTE));
  const gzip = { 'Content-Encoding': 'gzip' };
  const asZstd = { 'Content-Encoding': 'zstd' };

  it.each([
    ['another digest', text, { 'SHA256-Checksum': sha256(large) }, /digest/],
    [
      'another digest, of a stored content',
      large,
      { 'SHA256-Checksum': sha256(Buffer.from('small')) },
      /digest/,
    ],
    ['the digest of the compressed bytes', zipped, { ...gzip, 'SHA256-Checksum': sha256(zipped) }, /digest/],
    ['no digest', text, { 'SHA256-Checksum': 'abc' }, /64 hexadecimal/],
    ['a relative path as digest', text, { 'SHA256-Checksum': '../../../../tmp/x' }, /64 hexadecimal/],
    ['an absolute path as digest', text, { 'SHA256-Checksum': '/etc/passwd' }, /64 hexadecimal/],
    ['a digest with something behind it', text, { 'SHA256-Checksum': `${digest}/x` }, /64 hexadecimal/],
    ['a Logical-Size too small', text, { 'Logical-Size': String(text.length - 1) }, /Logical-Size/],
    ['a Logical-Size too large', text, { 'Logical-Size': String(text.length + 1) }, /Logical-Size/],
    [
      'a Logical-Size too large, large file',
      large,
      { 'Logical-Size': String(large.length + 1) },
      /Logical-Size/,
    ],
    ['a Logical-Size that is no number', text, { 'Logical-Size': 'abc' }, /Logical-Size/],
    ['a negative Logical-Size', text, { 'Logical-Size': '-1' }, /Logical-Size/],
    ['a Logical-Size in hexadecimal', text, { 'Logical-Size': '0x10' }, /Logical-Size/],
    ['what is no gzip', text, gzip, /gzip/],
    ['nothing, as gzip', Buffer.alloc(0), gzip, /gzip/],
    ['damaged gzip', damaged(zipped), gzip, /gzip/],
    ['gzip cut short', zipped.subarray(0, -1), gzip, /gzip/],
    ['large gzip, damaged at once and long afterwards', damaged(largeZipped.subarray(0, 100)), gzip, /gzip/],
    ['large gzip cut short', largeZipped.subarray(0, -9), gzip, /gzip/],
    ['what is no zstd', text, asZstd, /zstd/],
    ['nothing, as zstd', Buffer.alloc(0), asZstd, /zstd/],
    ['damaged zstd', damaged(zstd), asZstd, /zstd/],
    ['zstd cut short', zstd.subarray(0, -1), asZstd, /zstd/],
    ['large zstd cut short', zstdOf(large).subarray(0, -9), asZstd, /zstd/],
  ])('%s', async (_, content, headers, reason) => {
    const bad = () => put(`/files/dir/small?${DATE}`, { content, headers });
    await refused(bad, { status: 400, reason });
    // A retry must not find anything of the first attempt and report success.
    await refused(bad, { status: 400, reason });
    expect((await getFile(server.port, 'dir/small')).body.toString()).toBe('small');
  });

  it('a refused upload answers also when much of it is still on its way', async () => {
    const content = Buffer.concat([damaged(largeZipped.subarray(0, 100)), Buffer.alloc(8 * MEBIBYTE)]);
    await refused(() => put(`/files/dir/small?${DATE}`, { content, headers: gzip }), {
      status: 400,
      reason: /gzip/,
    });
  });

  it.each(['br', 'deflate', 'gzip, gzip', 'zip'])('an unknown encoding: %s', async (encoding) => {
    await refused(() => put(`/files/dir/small?${DATE}`, { headers: { 'Content-Encoding': encoding } }), {
      status: 415,
      reason: /gzip, zstd or identity/,
    });
  });
});

describe('a place that a request cannot go to is refused', () => {
  it('below a file, and onto a directory', async () => {
    await refused(() => put(`/files/dir/small/below?${DATE}`), {
      status: 409,
      reason: /"\/dir\/small" is a file/,
    });
    await refused(() => put(`/files/dir/large/a/b?${DATE}`, { content: large }), {
      status: 409,
      reason: /is a file/,
    });
    await refused(() => put(`/files/dir?${DATE}`), { status: 409, reason: /"\/dir" is a directory/ });
  });

  it.each([
    ['POST', '/files/dir/small', 'GET, HEAD, PUT, DELETE'],
    ['PATCH', '/files/dir/small', 'GET, HEAD, PUT, DELETE'],
    ['PROPFIND', '/files/dir', 'GET, HEAD, PUT, DELETE'],
    ['POST', '/list/', 'GET, HEAD'],
    ['POST', '/status', 'GET, HEAD'],
  ])('%s %s', async (method, target, allowed) => {
    const reply = await refused(() => rawRequest(server.port, { method, target }), {
      status: 405,
      reason: /allowed/,
    });
    expect(reply.headers.get('allow')).toBe(allowed);
  });

  it('a method that HTTP does not know', async () => {
    const reply = await refused(
      () => rawRequest(server.port, { method: 'FETCH', target: fileTarget('dir/small') }),
      {
        status: 405,
        reason: /allowed/,
      },
    );
    expect(reply.headers.get('allow')).toBe('GET, HEAD, PUT, DELETE');
  });

  it.each([
    ['no HTTP at all', 'hello\r\n\r\n', 400],
    ['a header without a colon', 'GET /status HTTP/1.1\r\nHost: localhost\r\nbroken\r\n\r\n', 400],
    [
      'two lengths',
      `PUT /files/x?${DATE} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab`,
      400,
    ],
    [
      'a length and chunks',
      `PUT /files/x?${DATE} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    [
      'a broken chunk',
      `PUT /files/x?${DATE} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n`,
      400,
    ],
    [
      'thousands of headers',
      `GET /status HTTP/1.1\r\nHost: localhost\r\n${'a: b\r\n'.repeat(20_000)}\r\n`,
      431,
    ],
  ])('%s', async (_, bytes, status) => {
    await refused(() => rawExchange(server.port, Buffer.from(bytes)), { status, reason: /./ });
  });
});

describe('an answer reaches clients that do not listen while they send', () => {
  it.each([
    ['gzip that is damaged at its beginning', { 'Content-Encoding': 'gzip' }, 400],
    ['zstd that is damaged at its beginning', { 'Content-Encoding': 'zstd' }, 400],
    ['a file that is too large', {}, 413],
    ['an encoding that is unknown', { 'Content-Encoding': 'br' }, 415],
  ])('%s', async (_, headers, status) => {
    const content = Buffer.alloc(24 * MEBIBYTE, 'not compressed');
    const before = await settledStore(server);
    const socket = connect(server.port, '127.0.0.1');
    socket.pause();
    const lines = Object.entries({ Host: 'localhost', 'Content-Length': content.length, ...headers });
    socket.write(
      `PUT /files/dir/small?${DATE} HTTP/1.1\r\n${lines.map((line) => line.join(': ')).join('\r\n')}\r\n\r\n`,
    );
    // Only when all was sent is the reply looked at.
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.write(content, () => resolve());
    });
    socket.resume();
    const [reply] = (await once(socket, 'data')) as [Buffer];
    expect(reply.toString()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    socket.destroy();
    expect(await settledStore(server)).toEqual(before);
  });
});
