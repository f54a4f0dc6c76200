import { describe, expect, it } from 'vitest';
import { incompressible, sha256 } from '../support/contents.js';
import { deleteFile, fileTarget, getFile, putFile, storeTotals } from '../support/file-requests.js';
import { PATIENTLY } from '../support/patiently.js';
import { type RawReply, rawRequest } from '../support/raw-http.js';
import { rounds } from '../support/rounds.js';
import { blobFiles } from '../support/store-files.js';
import { suiteServer } from '../support/suite-server.js';

const server = suiteServer();
type Headers = readonly (readonly [string, string])[];

const tagOf = (content: Uint8Array) => `"${sha256(content)}"`;
const one = Buffer.from('one');
const two = Buffer.from('two');

/** A name of its own for each test, stored with the content `one` as version 1000. */
let count = 0;
async function stored(): Promise<string> {
  const name = `file ${count++}`;
  await putFile(server.port, { name, version: 1000, content: one });
  return name;
}

const put = (name: string, headers: Headers) =>
  putFile(server.port, { name, version: 2000, content: two, headers });

describe('a PUT happens only if the file is as its condition says', () => {
  it.each<[string, Headers, number]>([
    ['If-Match with its tag', [['If-Match', tagOf(one)]], 200],
    ['If-Match with several', [['If-Match', `${tagOf(two)}, ${tagOf(one)}`]], 200],
    ['If-Match: *', [['If-Match', '*']], 200],
    ['If-Match with another tag', [['If-Match', tagOf(two)]], 412],
    ['If-Match with a weak tag', [['If-Match', `W/${tagOf(one)}`]], 412],
    ['If-Match with nonsense', [['If-Match', 'one']], 412],
    ['If-None-Match: *', [['If-None-Match', '*']], 412],
    ['If-None-Match with its tag', [['If-None-Match', tagOf(one)]], 412],
    ['If-None-Match with a weak tag', [['If-None-Match', `W/${tagOf(one)}`]], 412],
    ['If-None-Match with another tag', [['If-None-Match', tagOf(two)]], 200],
    ['If-Unmodified-Since its version', [['If-Unmodified-Since', 'Thu, 01 Jan 1970 00:16:40 GMT']], 200],
    ['If-Unmodified-Since an earlier one', [['If-Unmodified-Since', 'Thu, 01 Jan 1970 00:16:39 GMT']], 412],
  ])('%s', async (_, headers, status) => {
    const name = await stored();
    const reply = await put(name, headers);
    expect([reply.status, reply.headers.get('etag')]).toEqual([
      status,
      status === 200 ? tagOf(two) : undefined,
    ]);
    expect((await getFile(server.port, name)).body.toString()).toBe(status === 200 ? 'two' : 'one');
  });

  it.each<[string, Headers, number]>([
    ['If-None-Match: *', [['If-None-Match', '*']], 200],
    ['If-Match: *', [['If-Match', '*']], 412],
  ])('where there is none: %s', async (_, headers, status) => {
    const name = `absent ${count++}`;
    expect((await put(name, headers)).status).toBe(status);
    expect((await getFile(server.port, name)).status).toBe(status === 200 ? 200 : 404);
  });

  it('and of many that want to create it one does', async () => {
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        putFile(server.port, {
          name: 'contended',
          version: 1000 + n,
          content: Buffer.from(`${n}`),
          headers: [['If-None-Match', '*']],
        }),
      ),
    );
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(replies.filter(({ status }) => status === 412)).toHaveLength(19);
  });
});

describe('a DELETE happens only if the file is as its condition says', () => {
  it.each<[Headers, number]>([
    [[['If-Match', tagOf(one)]], 200],
    [[['If-Match', tagOf(two)]], 412],
    [[['If-None-Match', tagOf(one)]], 412],
  ])('%j', async (headers, status) => {
    const name = await stored();
    const reply = await rawRequest(server.port, {
      method: 'DELETE',
      target: fileTarget(name, 3000),
      headers,
    });
    expect(reply.status).toBe(status);
    expect((await getFile(server.port, name)).status).toBe(status === 200 ? 404 : 200);
  });
});

const OPT_IN = ['Filetracker-Protocol', '3'] as const;

function putDigest(name: string, digest: string, headers: Headers = [OPT_IN]): Promise<RawReply> {
  return rawRequest(server.port, {
    method: 'PUT',
    target: fileTarget(name, 2000),
    headers: [['SHA256-Checksum', digest], ...headers],
  });
}

describe('a PUT of a digest alone', () => {
  const large = incompressible('large', 2_000_000);

  it('stores a content that is here under another name', async () => {
    await putFile(server.port, { name: 'large', version: 1000, content: large });
    for (const headers of [
      [OPT_IN],
      [OPT_IN, ['Content-Length', '0']],
      [OPT_IN, ['Logical-Size', '2000000']],
    ] as const) {
      const reply = await putDigest('copy', sha256(large), headers);
      expect([reply.status, reply.headers.get('etag')]).toEqual([200, tagOf(large)]);
      expect((await getFile(server.port, 'copy')).body.equals(large)).toBe(true);
    }
  });

  it('is refused where the content is not here, so that it is sent', async () => {
    const { status, body } = await putDigest('missing', sha256(Buffer.from('unheard of')));
    expect([status, JSON.parse(body.toString())]).toEqual([
      404,
      expect.objectContaining({ code: 'content_missing' }),
    ]);
    expect((await getFile(server.port, 'missing')).status).toBe(404);
  });

  it('is refused with another size', async () => {
    const { status, body } = await putDigest('copy', sha256(large), [OPT_IN, ['Logical-Size', '1']]);
    expect([status, JSON.parse(body.toString())]).toEqual([
      400,
      expect.objectContaining({ code: 'size_mismatch' }),
    ]);
  });

  it('obeys conditions', async () => {
    const name = await stored();
    const reply = await putDigest(name, sha256(large), [OPT_IN, ['If-None-Match', '*']]);
    expect(reply.status).toBe(412);
  });

  it('answers with what is stored when that is newer', async () => {
    await putFile(server.port, { name: 'newer', version: 5000, content: one });
    const { status, headers } = await putDigest('newer', sha256(large));
    expect([status, headers.get('etag'), headers.get('last-modified')]).toEqual([
      200,
      tagOf(one),
      'Thu, 01 Jan 1970 01:23:20 -0000',
    ]);
  });

  it('of the content of no bytes is that content', async () => {
    expect((await putDigest('empty', sha256(Buffer.alloc(0)))).status).toBe(200);
    expect((await getFile(server.port, 'empty')).headers.get('content-length')).toBe('0');
  });

  it('is a broken upload to a client that did not opt in', async () => {
    const { status, headers } = await putDigest('copy of the copy', sha256(large), []);
    expect([status, headers.get('x-exception')]).toEqual([400, expect.stringMatching(/digest/)]);
  });

  it('never leaves a name without a content while the content is deleted under another (I4)', async () => {
    for (let n = 0; n < rounds(40); n++) {
      // Kept beside its name or as a file.
      const content = incompressible(`raced ${n}`, n % 2 === 0 ? 2000 : 20_000);
      await putFile(server.port, { name: 'raced', version: 1000, content });
      const [, copy] = await Promise.all([
        deleteFile(server.port, 'raced', 1000),
        putDigest(`raced copy ${n}`, sha256(content)),
      ]);
      const reply = await getFile(server.port, `raced copy ${n}`);
      expect([copy.status, reply.status]).toEqual(copy.status === 200 ? [200, 200] : [404, 404]);
      if (copy.status === 200) expect(reply.body.equals(content)).toBe(true);
      await deleteFile(server.port, `raced copy ${n}`, 2000);
    }
    // Nothing is left of what both gave up; the collection runs behind the deletions.
    const { contents } = await storeTotals(server.port);
    await expect.poll(() => blobFiles(server.directory).length, PATIENTLY).toBeLessThanOrEqual(contents);
  });
});
