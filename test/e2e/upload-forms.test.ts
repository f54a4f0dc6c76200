import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { incompressible, sha256 } from '../support/contents.js';
import { getFile, putFile } from '../support/file-requests.js';
import { PATIENTLY } from '../support/patiently.js';
import { type RawReply, rawRequest } from '../support/raw-http.js';
import { rounds } from '../support/rounds.js';
import { settledTotals } from '../support/settled-store.js';
import { stagedFiles } from '../support/store-files.js';
import { suiteServer } from '../support/suite-server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const server = suiteServer('--max-file-size', '3M');
const BOUNDARY = '----WebKitFormBoundary7MA4YWxkTrZu0gW';
const large = incompressible('large', 2_000_000);

/** A part as browsers write it: a field, or a file when it has a file name. */
function part(field: string, content: string | Buffer, filename?: string): Buffer {
  const file =
    filename === undefined ? '' : `; filename="${filename}"\r\nContent-Type: application/octet-stream`;
  const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${field}"${file}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(content), Buffer.from('\r\n')]);
}

const form = (...parts: Buffer[]) => Buffer.concat([...parts, Buffer.from(`--${BOUNDARY}--\r\n`)]);

function post(body: Buffer, headers: Readonly<Record<string, string>> = {}): Promise<RawReply> {
  return rawRequest(server.port, {
    method: 'POST',
    target: '/upload',
    headers: Object.entries({
      'Content-Type': `multipart/form-data; boundary=${BOUNDARY}`,
      'Content-Length': String(body.length),
      ...headers,
    }),
    body,
  });
}

interface Stored {
  readonly files: readonly { name: string; version: number; size: number; digest: string }[];
}

const storedBy = (reply: RawReply) => (JSON.parse(reply.body.toString()) as Stored).files;

function described(name: string, version: unknown, content: Buffer | string) {
  const bytes = Buffer.from(content);
  return { name, version, size: bytes.length, digest: sha256(bytes) };
}

describe('a form', () => {
  it('stores its files, each with what the fields before it say', async () => {
    const reply = await post(
      form(
        part('file', 'at the root', 'root.txt'),
        part('directory', '/some/dir/'),
        part('last_modified', 'Tue, 14 Nov 2023 22:13:20 +0100'),
        part('anything', large, 'żółw "a".bin'.replaceAll('"', '%22')),
        part('last_modified', '1000'),
        part('name', 'other/named'),
        part('file', 'named', 'ignored.txt'),
        part('file', '', 'empty'),
      ),
    );
    expect([reply.status, reply.headers.get('content-type')]).toEqual([
      200,
      'application/json; charset=utf-8',
    ]);
    expect(storedBy(reply)).toEqual([
      described('root.txt', expect.any(Number), 'at the root'),
      described('some/dir/żółw %22a%22.bin', 1_699_996_400, large),
      described('other/named', 1000, 'named'),
      described('some/dir/empty', 1000, ''),
    ]);
    expect((await getFile(server.port, 'some/dir/żółw %22a%22.bin')).body.equals(large)).toBe(true);
    expect((await getFile(server.port, 'other/named')).body.toString()).toBe('named');
    const now = Date.now() / 1000;
    expect(storedBy(reply)[0]?.version).toBeGreaterThan(now - 60);
    expect(storedBy(reply)[0]?.version).toBeLessThanOrEqual(now);
  });

  it('says what is stored where that is newer', async () => {
    await putFile(server.port, { name: 'newer', version: 5000, content: Buffer.from('new') });
    const reply = await post(form(part('last_modified', '4000'), part('f', 'old', 'newer')));
    expect(storedBy(reply)).toEqual([described('newer', 5000, 'new')]);
  });

  it('may come in chunks, and through curl', async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'a file'), large);
    writeFileSync(join(directory, 'second'), 'second');
    const { stdout } = await promisify(execFile)('curl', [
      '-fsS',
      '-HTransfer-Encoding: chunked',
      '-Fdirectory=curl',
      '-Flast_modified=1000',
      `-Ffile=@${join(directory, 'a file')}`,
      '-Fname=elsewhere',
      `-Ffile=@${join(directory, 'second')}`,
      `http://127.0.0.1:${server.port}/upload`,
    ]);
    expect(JSON.parse(stdout)).toEqual({
      files: [described('curl/a file', 1000, large), described('elsewhere', 1000, 'second')],
    });
  });

  it('without a chosen file stores nothing', async () => {
    expect(storedBy(await post(form(part('directory', 'x'), part('file', '', ''))))).toEqual([]);
    expect(storedBy(await post(form()))).toEqual([]);
  });
});

describe('a form is refused', () => {
  it.each<[string, Buffer[], number, RegExp]>([
    ['with an unknown field', [part('last-modified', '1000')], 400, /unknown field "last-modified"/],
    ['with a field too long', [part('directory', 'x'.repeat(5000))], 400, /too long/],
    ['with a bad name', [part('name', '../x')], 400, /"\.\."/],
    ['with a bad directory', [part('directory', 'a//b')], 400, /empty component/],
    ['with a bad file name', [part('file', 'x', 'a\u0001b')], 400, /control/],
    ['with a bad date', [part('last_modified', 'yesterday')], 400, /RFC 2822/],
    ['with a version beyond the year 9999', [part('last_modified', '253402300800')], 400, /9999/],
    ['with a name behind its file', [part('name', 'late')], 400, /before its file/],
    ['with a content and no name', [part('file', 'x', '')], 400, /no name/],
    ['with a file that is too large', [part('f', Buffer.alloc(4_000_000), 'huge')], 413, /3145728 bytes/],
    ['with the name of a directory', [part('name', 'taken'), part('f', 'x', 'f')], 409, /directory/],
    ['with too many parts', Array.from({ length: 1001 }, () => part('directory', 'x')), 413, /1000 parts/],
  ])('%s', async (_, parts, status, reason) => {
    await putFile(server.port, { name: 'taken/file', version: 1000, content: Buffer.from('x') });
    const before = await settledTotals(server.port);
    const reply = await post(form(...parts));
    expect([reply.status, reply.headers.get('x-exception')]).toEqual([status, expect.stringMatching(reason)]);
    expect(await settledTotals(server.port)).toEqual(before);
    expect(stagedFiles(server.directory)).toEqual([]);
  });

  it.each<[string, Readonly<Record<string, string>>, number]>([
    ['of another type', { 'Content-Type': 'application/x-www-form-urlencoded' }, 415],
    ['without a type', { 'Content-Type': '' }, 415],
    ['without a boundary', { 'Content-Type': 'multipart/form-data' }, 400],
    ['with another boundary', { 'Content-Type': 'multipart/form-data; boundary=x' }, 400],
    ['from another site', { 'Sec-Fetch-Site': 'cross-site' }, 403],
  ])('%s', async (_, headers, status) => {
    const before = await settledTotals(server.port);
    expect((await post(form(part('f', 'content', 'refused')), headers)).status).toBe(status);
    expect(await settledTotals(server.port)).toEqual(before);
  });

  it('with what it stored before', async () => {
    const { status, body } = await post(form(part('f', 'x', 'kept'), part('name', '..')), {
      Accept: 'application/json',
    });
    expect([status, JSON.parse(body.toString())]).toEqual([
      400,
      { code: 'invalid_name', message: expect.stringMatching(/stored before: 1$/) as string, stored: 1 },
    ]);
    expect((await getFile(server.port, 'kept')).status).toBe(200);
  });
});

describe('a form that is cut', () => {
  /** One file stored before, so that nothing but the second can change the totals. */
  const whole = form(part('last_modified', '1000'), part('f', incompressible('cut', 300_000), 'cut'));
  const end = whole.length - BOUNDARY.length - 8;

  it.each([
    0,
    1,
    50,
    100,
    200,
    300,
    1000,
    150_000,
    end - 1,
    end,
    end + 1,
    end + 10,
    end + 20,
    whole.length - 5,
  ])('after %i bytes stores nothing of its file', async (length) => {
    const before = await settledTotals(server.port);
    const { status } = await post(whole.subarray(0, length));
    expect([status, length]).toEqual([length === 0 ? 200 : 400, length]);
    expect(await settledTotals(server.port)).toEqual(before);
  });

  it('with its connection, anywhere, stores nothing of its file', async () => {
    const before = await settledTotals(server.port);
    for (let n = 0; n < rounds(15); n++) {
      const head =
        `POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=${BOUNDARY}\r\n` +
        `Content-Length: ${whole.length}\r\nConnection: close\r\n\r\n`;
      const length = Math.floor(((n + 1) / (rounds(15) + 1)) * whole.length);
      await cutExchange(Buffer.concat([Buffer.from(head), whole.subarray(0, length)]));
    }
    await expect.poll(() => stagedFiles(server.directory), PATIENTLY).toEqual([]);
    expect(await settledTotals(server.port)).toEqual(before);
  });
});

/** Sends bytes and closes, whatever comes back. */
async function cutExchange(bytes: Buffer): Promise<void> {
  const socket = connect(server.port, '127.0.0.1');
  socket.end(bytes);
  socket.resume();
  await once(socket, 'close');
}
