import { beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../support/contents.js';
import { fileTarget, putFile } from '../support/file-requests.js';
import { rawRequest } from '../support/raw-http.js';
import { suiteServer } from '../support/suite-server.js';

const server = suiteServer();
const content = Buffer.from('0123456789');
const tag = `"${sha256(content)}"`;
const other = `"${sha256(Buffer.from('other'))}"`;
/** 14 November 2023, 22:13:20 GMT: a Tuesday. */
const VERSION = 1_700_000_000;
const DATE = 'Tue, 14 Nov 2023 22:13:20 GMT';
const BEFORE = 'Tue, 14 Nov 2023 22:13:19 GMT';
const AFTER = 'Tue, 14 Nov 2023 22:13:21 GMT';

beforeAll(async () => {
  await putFile(server.port, { name: 'file', version: VERSION, content });
});

type Headers = Readonly<Record<string, string>>;

function ask(method: string, headers: Headers) {
  return rawRequest(server.port, { method, target: fileTarget('file'), headers: Object.entries(headers) });
}

/** The headers that describe a file, in every reply that has one. */
const DESCRIPTION = {
  etag: tag,
  'sha256-checksum': sha256(content),
  'logical-size': '10',
  'last-modified': 'Tue, 14 Nov 2023 22:13:20 -0000',
  'accept-ranges': 'bytes',
  'cache-control': 'no-cache',
};

describe('a condition decides whether a file is sent', () => {
  it.each<[string, Headers, number]>([
    ['no condition', {}, 200],
    ['If-None-Match with its tag', { 'If-None-Match': tag }, 304],
    ['If-None-Match with its tag as a weak one', { 'If-None-Match': `W/${tag}` }, 304],
    ['If-None-Match with several tags', { 'If-None-Match': `${other}, "a,b" ,W/${tag}` }, 304],
    ['If-None-Match: *', { 'If-None-Match': '*' }, 304],
    ['If-None-Match with another tag', { 'If-None-Match': other }, 200],
    ['If-None-Match with the digest and no quotes', { 'If-None-Match': sha256(content) }, 200],
    ['If-None-Match with nonsense', { 'If-None-Match': '"""' }, 200],
    ['If-Modified-Since its version', { 'If-Modified-Since': DATE }, 304],
    ['If-Modified-Since its version as RFC 2822', { 'If-Modified-Since': DESCRIPTION['last-modified'] }, 304],
    ['If-Modified-Since a later date', { 'If-Modified-Since': AFTER }, 304],
    ['If-Modified-Since an earlier date', { 'If-Modified-Since': BEFORE }, 200],
    ['If-Modified-Since as RFC 850', { 'If-Modified-Since': 'Tuesday, 14-Nov-23 22:13:20 GMT' }, 304],
    [
      'If-Modified-Since as RFC 850, earlier',
      { 'If-Modified-Since': 'Tuesday, 14-Nov-23 22:13:19 GMT' },
      200,
    ],
    ['If-Modified-Since as asctime', { 'If-Modified-Since': 'Tue Nov 14 22:13:20 2023' }, 304],
    ['If-Modified-Since as asctime, earlier', { 'If-Modified-Since': 'Tue Nov 14 22:13:19 2023' }, 200],
    ['If-Modified-Since nonsense', { 'If-Modified-Since': 'yesterday' }, 200],
    ['If-None-Match before If-Modified-Since', { 'If-None-Match': other, 'If-Modified-Since': DATE }, 200],
    ['If-Match with its tag', { 'If-Match': tag }, 200],
    ['If-Match: *', { 'If-Match': '*' }, 200],
    ['If-Match with several tags', { 'If-Match': `${other}, ${tag}` }, 200],
    ['If-Match with its tag as a weak one', { 'If-Match': `W/${tag}` }, 412],
    ['If-Match with another tag', { 'If-Match': other }, 412],
    ['If-Unmodified-Since its version', { 'If-Unmodified-Since': DATE }, 200],
    ['If-Unmodified-Since an earlier date', { 'If-Unmodified-Since': BEFORE }, 412],
    ['If-Unmodified-Since nonsense', { 'If-Unmodified-Since': 'yesterday' }, 200],
    ['If-Match before If-Unmodified-Since', { 'If-Match': tag, 'If-Unmodified-Since': BEFORE }, 200],
    ['If-Match before If-None-Match', { 'If-Match': other, 'If-None-Match': tag }, 412],
    ['If-None-Match before a range', { 'If-None-Match': tag, Range: 'bytes=0-1' }, 304],
    ['If-Match before a range', { 'If-Match': other, Range: 'bytes=0-1' }, 412],
  ])('%s', async (_, headers, status) => {
    for (const method of ['GET', 'HEAD']) {
      const reply = await ask(method, headers);
      expect([method, reply.status]).toEqual([method, status]);
      expect(reply.body.toString()).toBe(
        method === 'GET' && status === 200
          ? '0123456789'
          : method === 'GET' && status === 412
            ? `${reply.headers.get('x-exception')}\n`
            : '',
      );
      if (status !== 412) expect(Object.fromEntries(reply.headers)).toMatchObject(DESCRIPTION);
      expect(reply.headers.has('content-length')).toBe(status !== 304);
    }
  });
});

describe('If-Range decides whether a range is sent', () => {
  it.each<[string, string, number]>([
    ['its tag', tag, 206],
    ['its tag as a weak one', `W/${tag}`, 200],
    ['another tag', other, 200],
    ['its version: no strong validator, since a version can be stored again', DATE, 200],
    ['nonsense', 'yesterday', 200],
  ])('%s', async (_, value, status) => {
    const reply = await ask('GET', { Range: 'bytes=2-4', 'If-Range': value });
    expect(reply.status).toBe(status);
    expect(reply.body.toString()).toBe(status === 206 ? '234' : '0123456789');
  });
});

describe('HEAD', () => {
  it.each<[string, Headers]>([
    ['alone', {}],
    ['of protocol 3', { 'Filetracker-Protocol': '3', 'Accept-Encoding': 'zstd' }],
    ['that matches', { 'If-None-Match': tag }],
    ['of protocol 3 that matches', { 'Filetracker-Protocol': '3', 'If-None-Match': tag }],
  ])('%s has the headers of GET and no body', async (_, headers) => {
    const get = await ask('GET', headers);
    const head = await ask('HEAD', headers);
    expect({ ...Object.fromEntries(head.headers), date: '' }).toEqual({
      ...Object.fromEntries(get.headers),
      date: '',
    });
    expect([head.status, head.body.length]).toEqual([get.status, 0]);
  });

  it('knows no ranges', async () => {
    const { status, headers } = await ask('HEAD', { Range: 'bytes=2-4' });
    expect([status, headers.get('content-length'), headers.has('content-range')]).toEqual([200, '10', false]);
  });
});
