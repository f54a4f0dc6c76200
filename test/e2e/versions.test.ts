import { beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../support/contents.js';
import { deleteFile, fileTarget, putFile } from '../support/file-requests.js';
import { type RawReply, rawRequest } from '../support/raw-http.js';
import { suiteServer } from '../support/suite-server.js';

const server = suiteServer('--keep-versions', '10');
const content = (version: number) => Buffer.from(`content ${version}`);

beforeAll(async () => {
  const put = (name: string, version: number) =>
    putFile(server.port, { name, version, content: content(version) });
  await put('dir/file', 1000);
  await put('dir/file', 2000);
  await deleteFile(server.port, 'dir/file', 3000);
  await put('dir/file', 4000);
  await put('dir/deleted', 1500);
  await deleteFile(server.port, 'dir/deleted', 2500);
});

function ask(target: string, { method = 'GET', headers = {} as Readonly<Record<string, string>> } = {}) {
  return rawRequest(server.port, { method, target, headers: Object.entries(headers) });
}

function linesOf({ body }: RawReply): unknown[] {
  return body
    .toString()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as unknown);
}

function described(version: number) {
  return { version, size: content(version).length, digest: sha256(content(version)) };
}

describe('?version=', () => {
  it.each([1000, 2000, 4000])('gives exactly that version: %i', async (version) => {
    const target = `${fileTarget('dir/file')}?version=${version}`;
    const { status, headers, body } = await ask(target);
    expect([status, body.toString()]).toEqual([200, `content ${version}`]);
    expect(headers.get('etag')).toBe(`"${sha256(content(version))}"`);
    const range = await ask(target, { headers: { Range: 'bytes=-4' } });
    expect([range.status, range.body.toString()]).toEqual([206, `${version}`]);
    expect((await ask(target, { headers: { 'If-None-Match': headers.get('etag') ?? '' } })).status).toBe(304);
  });

  it('gives a version of a file that was deleted', async () => {
    expect((await ask(fileTarget('dir/deleted'))).status).toBe(404);
    expect((await ask(`${fileTarget('dir/deleted')}?version=1500`)).body.toString()).toBe('content 1500');
  });

  it.each(['GET', 'HEAD'])('says what is kept where it is not: %s', async (method) => {
    const { status, headers } = await ask(`${fileTarget('dir/file')}?version=999`, { method });
    expect(status).toBe(404);
    expect(headers.get('x-exception')).toBe('there is no version 999 of "/dir/file"; kept: 4000, 2000, 1000');
  });

  it.each(['', '-1', '1e3', '1000.5', '253402300800', 'x'])('must be seconds: %j', async (version) => {
    expect((await ask(`${fileTarget('dir/file')}?version=${version}`)).status).toBe(400);
  });
});

describe('GET /versions/{name}', () => {
  it('lists versions and deletions as NDJSON, newest first', async () => {
    const reply = await ask('/versions/dir/file');
    expect([reply.status, reply.headers.get('content-type')]).toEqual([200, 'application/x-ndjson']);
    expect(linesOf(reply)).toEqual([
      described(4000),
      { version: 3000, deleted: true },
      described(2000),
      described(1000),
    ]);
    expect(linesOf(await ask('/versions/dir/deleted'))).toEqual([
      { version: 2500, deleted: true },
      described(1500),
    ]);
  });

  it.each(['/versions/nothing', '/versions/dir'])('knows no %s', async (target) => {
    expect((await ask(target)).status).toBe(404);
  });
});

describe('?as_of=', () => {
  it.each([
    [999, []],
    [1000, ['file 1000']],
    [2400, ['deleted 1500', 'file 2000']],
    [2500, ['file 2000']],
    [3000, []],
    [4000, ['file 4000']],
  ])('shows the tree as it was at %i', async (time, wanted) => {
    const headers = { Accept: 'application/x-ndjson' };
    const entries = linesOf(await ask(`/list?as_of=${time}`, { headers })) as {
      name: string;
      version: number;
    }[];
    expect(entries.map(({ name, version }) => `${name} ${version}`)).toEqual(
      wanted.map((entry) => `dir/${entry}`),
    );
    const directories = linesOf(await ask(`/list?as_of=${time}&recursive=false`, { headers }));
    expect(directories).toEqual(wanted.length > 0 ? [{ directory: 'dir' }] : []);
  });
});
