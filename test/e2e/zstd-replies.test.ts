import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { decodeZstd } from '@filetracker/durable-fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { collect } from '../support/collect.js';
import { incompressible, sha256 } from '../support/contents.js';
import { fileTarget, putFile } from '../support/file-requests.js';
import { type RawReply, rawRequest } from '../support/raw-http.js';
import { blobFiles } from '../support/store-files.js';
import { suiteServer } from '../support/suite-server.js';

const FRAME_BYTES = 512 * 1024;
const server = suiteServer();

function compressible(seed: string, length: number): Buffer {
  const noise = incompressible(seed, length / 4).toString('hex');
  return Buffer.from(noise.padEnd(length, 'x').slice(0, length));
}

const CONTENTS = {
  nothing: Buffer.alloc(0),
  raw: Buffer.from('x'),
  inline: Buffer.alloc(10_000, 'inline '),
  frame: compressible('frame', 100_000),
  frames: compressible('frames', 5 * FRAME_BYTES + 1000),
  noise: incompressible('noise', 2 * FRAME_BYTES),
};

beforeAll(async () => {
  for (const [name, content] of Object.entries(CONTENTS)) {
    await putFile(server.port, { name, version: 1, content });
  }
});

type Headers = Readonly<Record<string, string>>;
const ZSTD: Headers = { 'Filetracker-Protocol': '3', 'Accept-Encoding': 'zstd' };

function get(name: string, headers: Headers): Promise<RawReply> {
  return rawRequest(server.port, {
    method: 'GET',
    target: fileTarget(name),
    headers: Object.entries(headers),
  });
}

async function decode(bytes: Buffer): Promise<Buffer> {
  return Buffer.concat(await collect(decodeZstd(Readable.from([bytes]))));
}

function blobOf(content: Uint8Array): string {
  const blob = blobFiles(server.directory).find((path) => path.includes(sha256(content)));
  return join(server.directory, blob ?? '');
}

describe('a client of protocol 3 that takes zstd', () => {
  it.each(['inline', 'frame', 'frames', 'noise'] as const)('gets it: %s', async (name) => {
    const { status, headers, body } = await get(name, ZSTD);
    expect(status).toBe(200);
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-encoding': 'zstd',
      'content-length': String(body.length),
      'logical-size': String(CONTENTS[name].length),
      'sha256-checksum': sha256(CONTENTS[name]),
      etag: `W/"${sha256(CONTENTS[name])}"`,
      vary: 'Accept-Encoding, Filetracker-Protocol',
      'filetracker-protocol': '3',
    });
    expect((await decode(body)).equals(CONTENTS[name])).toBe(true);
  });

  it('gets the very bytes that are stored', async () => {
    expect((await get('frames', ZSTD)).body.equals(readFileSync(blobOf(CONTENTS.frames)))).toBe(true);
  });

  it.each(['nothing', 'raw'] as const)('gets plain what is kept as it is: %s', async (name) => {
    const { headers, body } = await get(name, ZSTD);
    expect(headers.get('content-encoding')).toBeUndefined();
    expect(headers.get('etag')).toBe(`"${sha256(CONTENTS[name])}"`);
    expect(body.equals(CONTENTS[name])).toBe(true);
  });

  it('gets ranges plain', async () => {
    const { status, headers, body } = await get('frames', { ...ZSTD, Range: 'bytes=600000-600009' });
    expect([status, headers.get('content-encoding')]).toEqual([206, undefined]);
    expect(body.equals(CONTENTS.frames.subarray(600_000, 600_010))).toBe(true);
  });
});

describe('what is sent as zstd and how', () => {
  it.each<[string, Headers, boolean]>([
    ['opted in and accepted', ZSTD, true],
    ['among others', { ...ZSTD, 'Accept-Encoding': 'gzip, deflate, br, ZSTD' }, true],
    ['by a wildcard', { ...ZSTD, 'Accept-Encoding': 'gzip, *' }, true],
    ['with a weight', { ...ZSTD, 'Accept-Encoding': 'zstd;q=0.5' }, true],
    ['refused', { ...ZSTD, 'Accept-Encoding': 'zstd;q=0, *' }, false],
    ['less than plain', { ...ZSTD, 'Accept-Encoding': 'zstd;q=0.5, identity' }, false],
    ['with a weight that is none', { ...ZSTD, 'Accept-Encoding': 'zstd;q=much' }, false],
    ['opted in, not accepted', { ...ZSTD, 'Accept-Encoding': 'gzip' }, false],
    ['opted in, nothing said', { 'Filetracker-Protocol': '3' }, false],
    // The trap: clients of protocol 2 take Content-Length for the size of the file.
    ['accepted, not opted in', { 'Accept-Encoding': 'zstd' }, false],
    ['everything accepted, not opted in', { 'Accept-Encoding': '*' }, false],
    ['opted in to something else', { ...ZSTD, 'Filetracker-Protocol': '2' }, false],
    ['opted in to something unknown', { ...ZSTD, 'Filetracker-Protocol': '4' }, false],
  ])('%s', async (_, headers, zstd) => {
    const reply = await get('frame', headers);
    expect(reply.headers.get('content-encoding')).toBe(zstd ? 'zstd' : undefined);
    expect(reply.headers.get('content-length')).toBe(String(reply.body.length));
    expect((zstd ? await decode(reply.body) : reply.body).equals(CONTENTS.frame)).toBe(true);
  });
});

describe('a damaged blob that goes out as it is stored', () => {
  const damaged = (seed: string, length: number, change: (bytes: Buffer) => Buffer) => async () => {
    const content = compressible(seed, length);
    await putFile(server.port, { name: seed, version: 1, content });
    writeFileSync(blobOf(content), change(readFileSync(blobOf(content))));
    return get(seed, ZSTD);
  };
  const flip = (at: number) => (bytes: Buffer) => {
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    return bytes;
  };

  it.each([
    ['in its only frame', damaged('a', 100_000, flip(20_000))],
    ['in the first of several frames', damaged('b', 3 * FRAME_BYTES, flip(20_000))],
    ['by missing its end', damaged('c', 3 * FRAME_BYTES, (bytes) => bytes.subarray(0, -1))],
    ['by missing its beginning', damaged('d', 3 * FRAME_BYTES, (bytes) => bytes.subarray(1))],
    ['by missing its only end', damaged('e', 100_000, (bytes) => bytes.subarray(0, -1))],
  ])('%s is refused', async (_, ask) => {
    expect((await ask()).status).toBe(500);
  });

  it('in a later frame does not decode', async () => {
    const { status, body } = await damaged('f', 5 * FRAME_BYTES, (bytes) =>
      flip(bytes.length - 50_000)(bytes),
    )();
    expect(status).toBe(200);
    await expect(decode(body)).rejects.toThrow(/checksum|corrupt/i);
  });
});
