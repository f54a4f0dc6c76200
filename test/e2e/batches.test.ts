import { once } from 'node:events';
import { connect } from 'node:net';
import { encodeZstd } from '@filetracker/durable-fs';
import { BATCH_LIMITS, BATCH_TYPE, type BatchAnswer } from '@filetracker/protocol';
import { describe, expect, it, vi } from 'vitest';
import { collect } from '../support/collect.js';
import { incompressible, sha256 } from '../support/contents.js';
import { getFile, putFile, storeTotals } from '../support/file-requests.js';
import { PATIENTLY } from '../support/patiently.js';
import { type RawReply, rawRequest } from '../support/raw-http.js';
import { stagedFiles } from '../support/store-files.js';
import { suiteServer } from '../support/suite-server.js';

const server = suiteServer('--quota', '/full=10', '--max-file-size', '100K');

/** An entry: what its line says, and its content. */
function entry(head: object, content: string | Buffer = ''): Buffer {
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), Buffer.from(content)]);
}

/** An entry of a file as it should be. */
function fileEntry(name: string, version: number, content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  return entry({ name, version, size: bytes.length, digest: sha256(bytes) }, bytes);
}

function post(body: Buffer, headers: Readonly<Record<string, string>> = {}): Promise<RawReply> {
  return rawRequest(server.port, {
    method: 'POST',
    target: '/batch',
    headers: Object.entries({
      'Content-Type': BATCH_TYPE,
      'Content-Length': String(body.length),
      'Filetracker-Protocol': '3',
      ...headers,
    }),
    body,
  });
}

function answers(reply: RawReply): readonly BatchAnswer[] {
  expect([reply.status, reply.headers.get('content-type')]).toEqual([200, 'application/x-ndjson']);
  const lines = reply.body.toString().trimEnd().split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as BatchAnswer);
}

const stored = (version: number, content: string | Buffer) => ({
  version,
  digest: sha256(Buffer.from(content)),
});
const refused = (code: string) => ({ code, message: expect.any(String) as string });

describe('a batch', () => {
  it('stores its files, also large, empty and incompressible ones, and those that are here by digest', async () => {
    const large = incompressible('large', 100_000);
    const short = incompressible('short', 3000);
    const reply = await post(
      Buffer.concat([
        fileEntry('some/a', 1000, 'a'),
        entry({ name: 'some/without digest', version: 1001, size: 3 }, 'abc'),
        fileEntry('some/large', 1002, large),
        fileEntry('some/empty', 1003, ''),
        fileEntry('some/ż\n"'.replace('\n', ''), 1004, short),
      ]),
    );
    expect(answers(reply)).toEqual([
      stored(1000, 'a'),
      stored(1001, 'abc'),
      stored(1002, large),
      stored(1003, ''),
      stored(1004, short),
    ]);
    expect((await getFile(server.port, 'some/large')).body.equals(large)).toBe(true);
    expect((await getFile(server.port, 'some/ż"')).body.equals(short)).toBe(true);
    const again = await post(
      Buffer.concat([
        entry({ name: 'some/copy', version: 1000, digest: sha256(large) }),
        entry({ name: 'some/missing', version: 1000, digest: sha256(Buffer.from('unheard of')) }),
      ]),
    );
    expect(answers(again)).toEqual([stored(1000, large), refused('content_missing')]);
    expect((await getFile(server.port, 'some/copy')).body.equals(large)).toBe(true);
  });

  it('tells of each file by itself why it is not stored, and stores the others', async () => {
    await putFile(server.port, { name: 'taken/file', version: 5000, content: Buffer.from('new') });
    const reply = await post(
      Buffer.concat([
        fileEntry('fine/1', 1000, '1'),
        fileEntry('bad//name', 1000, 'x'),
        fileEntry('taken', 1000, 'x'),
        fileEntry('taken/file', 4000, 'old'),
        entry({ name: 'wrong', version: 1000, size: 1, digest: sha256(Buffer.from('y')) }, 'x'),
        entry({ name: 'late', version: 253_402_300_800, size: 1 }, 'x'),
        entry({ name: 'odd', version: 1000, size: 1, digest: 'x' }, 'x'),
        entry({ name: 7, version: 1000, size: 1 }, 'x'),
        entry({ name: 'neither', version: 1000 }),
        fileEntry('full/a', 1000, '12345678901'),
        fileEntry('huge', 1000, Buffer.alloc(102_401)),
        fileEntry('fine/2', 1000, '2'),
      ]),
    );
    expect(answers(reply)).toEqual([
      stored(1000, '1'),
      refused('invalid_name'),
      refused('name_conflict'),
      stored(5000, 'new'),
      refused('digest_mismatch'),
      refused('invalid_version'),
      refused('invalid_digest'),
      refused('invalid_name'),
      refused('invalid_content'),
      { ...refused('quota_exceeded'), limit: 10, used: 0, needed: 11 },
      refused('too_large'),
      stored(1000, '2'),
    ]);
    for (const name of ['wrong', 'late', 'odd', '7', 'neither', 'full/a', 'huge']) {
      expect([name, (await getFile(server.port, name)).status]).toEqual([name, 404]);
    }
    expect((await getFile(server.port, 'fine/2')).body.toString()).toBe('2');
  });

  it('may come compressed, in the smallest pieces, and be empty', async () => {
    const body = Buffer.concat([fileEntry('pieces/a', 1000, 'content'), fileEntry('pieces/b', 1000, '')]);
    const packed = Buffer.concat(await collect(encodeZstd([body], 3)));
    expect(answers(await post(packed, { 'Content-Encoding': 'zstd' }))).toHaveLength(2);
    const socket = connect(server.port, '127.0.0.1').setNoDelay();
    socket.write(
      `POST /batch HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: ${BATCH_TYPE}\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    for (const byte of Buffer.concat([body, fileEntry('pieces/c', 1000, 'c')])) {
      socket.write(`1\r\n${String.fromCharCode(byte)}\r\n`, 'latin1');
    }
    socket.write('0\r\n\r\n');
    const reply = Buffer.concat((await socket.toArray()) as Buffer[]).toString();
    expect(reply.match(/"version":1000/g)).toHaveLength(3);
    expect(answers(await post(Buffer.alloc(0)))).toEqual([]);
  });

  it('is many files in few commits', async () => {
    const count = 3000;
    const names = Array.from({ length: count }, (_, index) => `many/${index}`);
    const reply = await post(Buffer.concat(names.map((name) => fileEntry(name, 1000, name))));
    expect(answers(reply)).toEqual(names.map((name) => stored(1000, name)));
    expect((await storeTotals(server.port)).files).toBeGreaterThanOrEqual(count);
  });
});

describe('a batch is refused', () => {
  const long = entry({ name: 'x'.repeat(BATCH_LIMITS.lineBytes), version: 1000, size: 0 });
  it.each<[string, Buffer, Readonly<Record<string, string>>, number, string]>([
    ['that is none', Buffer.from('hello\n'), {}, 400, 'invalid_content'],
    ['of a line that is no object', Buffer.from('"x"\n'), {}, 400, 'invalid_content'],
    ['with a bad size', entry({ name: 'x', version: 1000, size: -1 }), {}, 400, 'invalid_content'],
    ['with a line too long', long, {}, 400, 'invalid_content'],
    ['with a line too long that has no end', long.subarray(0, -1), {}, 400, 'invalid_content'],
    [
      'that is cut in a content',
      entry({ name: 'x', version: 1000, size: 2 }, 'x'),
      {},
      400,
      'invalid_content',
    ],
    ['that is cut in a line', Buffer.from('{"name":'), {}, 400, 'invalid_content'],
    ['with a content too large', entry({ name: 'x', version: 1, size: 131_073 }), {}, 413, 'too_large'],
    ['that is damaged zstd', Buffer.from('x'), { 'Content-Encoding': 'zstd' }, 400, 'invalid_content'],
    ['of another type', Buffer.from(''), { 'Content-Type': 'text/plain' }, 415, 'unsupported_encoding'],
  ])('%s', async (_, body, headers, status, code) => {
    const before = await storeTotals(server.port);
    const reply = await post(body, headers);
    expect([reply.status, JSON.parse(reply.body.toString())]).toEqual([
      status,
      expect.objectContaining({ code }),
    ]);
    expect(await storeTotals(server.port)).toEqual(before);
  });

  it('with more entries than a batch may have', async () => {
    const one = fileEntry('too-many', 1000, '');
    const reply = await post(Buffer.concat(Array.from({ length: BATCH_LIMITS.entries + 1 }, () => one)));
    expect([reply.status, reply.headers.get('x-exception')]).toEqual([413, expect.stringMatching(/10000/)]);
  });
});

it('a batch that is cut by its client keeps what came before and leaves nothing behind', async () => {
  const socket = connect(server.port, '127.0.0.1');
  socket.write(
    `POST /batch HTTP/1.1\r\nHost: x\r\nContent-Type: ${BATCH_TYPE}\r\nContent-Length: 1000000\r\n\r\n`,
  );
  socket.write(fileEntry('cut/first', 1000, incompressible('cut', 50_000)));
  await vi.waitFor(async () => expect((await getFile(server.port, 'cut/first')).status).toBe(200), PATIENTLY);
  socket.write(fileEntry('cut/second', 1000, incompressible('second', 50_000)).subarray(0, 20_000));
  socket.destroy();
  await once(socket, 'close');
  await vi.waitFor(() => expect(stagedFiles(server.directory)).toEqual([]), PATIENTLY);
  expect((await getFile(server.port, 'cut/second')).status).toBe(404);
});

it('counts as one request in the metrics', async () => {
  await post(fileEntry('counted', 1000, 'x'));
  const { body } = await rawRequest(server.port, { method: 'GET', target: '/metrics' });
  expect(body.toString()).toContain('route="/batch",method="POST",status="200"');
});
