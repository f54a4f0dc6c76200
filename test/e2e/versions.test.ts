import { beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../support/contents.js';
import { fileTarget, putFile } from '../support/file-requests.js';
import { type RawReply, rawRequest } from '../support/raw-http.js';
import { suiteServer } from '../support/suite-server.js';

const server = suiteServer();
const content = Buffer.from('0123456789');

beforeAll(async () => {
  await putFile(server.port, { name: 'dir/file', version: 1000, content });
});

function get(target: string, method = 'GET'): Promise<RawReply> {
  return rawRequest(server.port, { method, target });
}

describe('?version=', () => {
  it('gives exactly that version', async () => {
    const { status, headers, body } = await get(`${fileTarget('dir/file')}?version=1000`);
    expect([status, body.toString()]).toEqual([200, '0123456789']);
    expect(headers.get('last-modified')).toBe('Thu, 01 Jan 1970 00:16:40 -0000');
  });

  it.each(['GET', 'HEAD'])('says what is kept where it is not: %s', async (method) => {
    const { status, headers } = await get(`${fileTarget('dir/file')}?version=999`, method);
    expect(status).toBe(404);
    expect(headers.get('x-exception')).toBe('there is no version 999 of "/dir/file"; kept: 1000');
  });

  it.each(['', '-1', '1e3', '1000.5', '253402300800', 'x'])('must be seconds: %j', async (version) => {
    expect((await get(`${fileTarget('dir/file')}?version=${version}`)).status).toBe(400);
  });
});

describe('GET /versions/{name}', () => {
  it('lists what is kept as NDJSON', async () => {
    const { status, headers, body } = await get('/versions/dir/file');
    expect([status, headers.get('content-type')]).toEqual([200, 'application/x-ndjson']);
    expect(body.toString()).toBe(`{"version":1000,"size":10,"digest":"${sha256(content)}"}\n`);
  });

  it.each(['/versions/nothing', '/versions/dir'])('knows no %s', async (target) => {
    expect((await get(target)).status).toBe(404);
  });
});
