import { BATCH_TYPE } from '@filetracker/protocol';
import { beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../support/contents.js';
import { fileTarget, putFile } from '../support/file-requests.js';
import { type RawRequest, rawRequest } from '../support/raw-http.js';
import { suiteServer } from '../support/suite-server.js';

interface Operation {
  readonly summary?: string;
  readonly parameters?: readonly { in: string; name: string; description?: string }[];
  readonly responses: Readonly<
    Record<
      string,
      { description?: string; headers?: Record<string, unknown>; content?: Record<string, unknown> }
    >
  >;
}

interface ObjectSchema {
  readonly properties: object;
  readonly required: string[];
}

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const server = suiteServer();
const content = Buffer.from('0123456789');
let document: Document;

beforeAll(async () => {
  await putFile(server.port, { name: 'dir/file', version: 1000, content });
  const reply = await rawRequest(server.port, { method: 'GET', target: '/openapi.json' });
  document = JSON.parse(reply.body.toString()) as Document;
});

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );

describe('GET /openapi.json', () => {
  it('is OpenAPI and says of everything what it is', () => {
    expect(document.openapi).toBe('3.1.0');
    for (const { path, method, operation } of operations()) {
      const where = `${method} ${path}`;
      expect([where, operation.summary]).toEqual([where, expect.stringMatching(/./)]);
      for (const parameter of operation.parameters ?? [])
        expect([where, parameter]).toEqual([
          where,
          expect.objectContaining({ description: expect.any(String) as string }),
        ]);
      for (const [status, { description }] of Object.entries(operation.responses))
        expect([where, status, description]).toEqual([where, status, expect.not.stringMatching(/^Default/)]);
      for (const [, name] of path.matchAll(/\{(\w+)\}/g))
        expect(operation.parameters).toContainEqual(
          expect.objectContaining({ in: 'path', name, required: true }),
        );
    }
  });

  it('has every endpoint that the server names, with its methods', async () => {
    const { body } = await rawRequest(server.port, { method: 'GET', target: '/elsewhere' });
    const named = [...body.toString().matchAll(/"\/([^"]+)"/g)].map((match) => match[1] ?? '');
    expect(new Set(Object.keys(document.paths).map((path) => path.split('/')[1]))).toEqual(new Set(named));
    for (const endpoint of named) {
      const reply = await rawRequest(server.port, { method: 'PATCH', target: `/${endpoint}` });
      const methods = operations().filter(({ path }) => path.split('/')[1] === endpoint);
      expect(new Set(methods.map(({ method }) => method.toUpperCase()))).toEqual(
        new Set(reply.headers.get('allow')?.split(', ')),
      );
    }
  });
});

/** Headers that HTTP itself gives a reply. */
const COMMON = ['date', 'connection', 'content-type', 'content-length', 'transfer-encoding'];

const DATE = 'last_modified=Tue%2C%2014%20Nov%202023%2022%3A13%3A20%20-0000';
const get = (target: string, headers: Readonly<Record<string, string>> = {}, method = 'GET'): RawRequest => ({
  method,
  target,
  headers: Object.entries(headers),
});
const send = (
  method: string,
  target: string,
  headers: Readonly<Record<string, string>> = {},
): RawRequest => ({
  ...get(target, { 'Content-Length': String(content.length), ...headers }, method),
  body: content,
});
const FILE = fileTarget('dir/file');
const DIGEST = { 'SHA256-Checksum': sha256(Buffer.from('unheard of')) };
const FORM: RawRequest = {
  method: 'POST',
  target: '/upload',
  headers: [
    ['Content-Type', 'multipart/form-data; boundary=x'],
    ['Content-Length', '7'],
  ],
  body: Buffer.from('--x--\r\n'),
};
const BATCH = Buffer.from('{"name":"batched","version":1000,"size":0}\n');
const BATCH_HEADERS = [
  ['Content-Type', BATCH_TYPE],
  ['Content-Length', String(BATCH.length)],
] as const;
const OPT_IN = { 'Filetracker-Protocol': '3' };

describe('what the server answers is described', () => {
  it.each<[string, string, RawRequest, number]>([
    ['a file', '/files/{name}', get(FILE), 200],
    ['a file to protocol 3', '/files/{name}', get(FILE, { ...OPT_IN, 'Accept-Encoding': 'zstd' }), 200],
    ['HEAD', '/files/{name}', get(FILE, OPT_IN, 'HEAD'), 200],
    ['a range', '/files/{name}', get(FILE, { ...OPT_IN, Range: 'bytes=1-2' }), 206],
    ['no change', '/files/{name}', get(FILE, { ...OPT_IN, 'If-None-Match': '*' }), 304],
    ['a failed condition', '/files/{name}', get(FILE, { ...OPT_IN, 'If-Match': '"x"' }), 412],
    ['no such range', '/files/{name}', get(FILE, { ...OPT_IN, Range: 'bytes=99-' }), 416],
    ['no such range, as text', '/files/{name}', get(FILE, { Range: 'bytes=99-' }), 416],
    ['no such file', '/files/{name}', get('/files/nothing', OPT_IN), 404],
    ['a bad name', '/files/{name}', get('/files/a/../b'), 400],
    ['an upload', '/files/{name}', send('PUT', `/files/new?${DATE}`, OPT_IN), 200],
    ['a bad digest', '/files/{name}', send('PUT', `/files/new?${DATE}`, { 'SHA256-Checksum': 'x' }), 400],
    [
      'a wrong digest',
      '/files/{name}',
      send('PUT', `/files/new?${DATE}`, { 'SHA256-Checksum': sha256(Buffer.from('x')) }),
      400,
    ],
    [
      'an unknown encoding',
      '/files/{name}',
      send('PUT', `/files/new?${DATE}`, { 'Content-Encoding': 'br' }),
      415,
    ],
    ['a conflict', '/files/{name}', send('PUT', `/files/dir?${DATE}`), 409],
    ['a deletion', '/files/{name}', get(`/files/new?${DATE}`, OPT_IN, 'DELETE'), 200],
    ['a deletion of nothing', '/files/{name}', get(`/files/nothing?${DATE}`, {}, 'DELETE'), 404],
    ['a listing', '/list/{directory}', get('/list/dir', OPT_IN), 200],
    ['a listing of everything', '/list', get('/list'), 200],
    ['a listing of nothing', '/list/{directory}', get('/list/nothing'), 400],
    ['a listing as NDJSON', '/list/{directory}', get('/list/dir', { Accept: 'application/x-ndjson' }), 200],
    ['the versions', '/versions/{name}', get('/versions/dir/file', OPT_IN), 200],
    ['the versions of nothing', '/versions/{name}', get('/versions/nothing', OPT_IN), 404],
    ['a version that is not kept', '/files/{name}', get(`${FILE}?version=1`), 404],
    [
      'a failed condition of a change',
      '/files/{name}',
      send('PUT', `/files/new?${DATE}`, { 'If-Match': '*' }),
      412,
    ],
    [
      'a content that is missing',
      '/files/{name}',
      get(`/files/new?${DATE}`, { ...OPT_IN, ...DIGEST }, 'PUT'),
      404,
    ],
    ['a form', '/upload', FORM, 200],
    ['no form', '/upload', send('POST', '/upload', OPT_IN), 415],
    ['a batch', '/batch', { ...FORM, target: '/batch', headers: BATCH_HEADERS, body: BATCH }, 200],
    ['no batch', '/batch', send('POST', '/batch', { 'Content-Type': BATCH_TYPE }), 400],
    ['a batch of another type', '/batch', send('POST', '/batch', OPT_IN), 415],
    ['the protocols', '/version', get('/version', OPT_IN), 200],
    ['the state', '/status', get('/status', OPT_IN), 200],
    ['health', '/healthz', get('/healthz', OPT_IN), 200],
    ['metrics', '/metrics', get('/metrics', OPT_IN), 200],
  ])('%s', async (_, path, request, status) => {
    const reply = await rawRequest(server.port, request);
    expect(reply.status).toBe(status);
    const described = document.paths[path]?.[request.method.toLowerCase()]?.responses[status];
    const headers = Object.keys(described?.headers ?? {}).map((name) => name.toLowerCase());
    expect([...headers, ...COMMON]).toEqual(expect.arrayContaining([...reply.headers.keys()]));
    const type = reply.headers.get('content-type')?.split(';')[0];
    if (type !== undefined) expect(Object.keys(described?.content ?? {})).toContain(type);
    if (type === 'application/json' && reply.body.length > 0) {
      const { schema } = (described?.content ?? {})[type] as { schema: ObjectSchema };
      const fields = Object.keys(JSON.parse(reply.body.toString()) as object);
      expect(fields).toEqual(expect.arrayContaining(schema.required));
      // Errors may have numbers of any name.
      if (status < 400) expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining(fields));
    }
  });
});
