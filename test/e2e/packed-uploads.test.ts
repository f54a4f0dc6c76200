import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeZstd } from '@filetracker/durable-fs';
import { compressFrame, FRAME_BYTES } from '@filetracker/durable-fs/zstd-frame';
import { describe, expect, it } from 'vitest';
import { collect } from '../support/collect.js';
import { incompressible, sha256 } from '../support/contents.js';
import { fileTarget, getFile, putFile } from '../support/file-requests.js';
import { filetracker } from '../support/filetracker-process.js';
import { peakMemory } from '../support/process-figures.js';
import { type RawReply, rawRequest } from '../support/raw-http.js';
import { recover } from '../support/recovery.js';
import { startServer } from '../support/server-process.js';
import { settledStore } from '../support/settled-store.js';
import { blobFiles } from '../support/store-files.js';
import { suiteServer } from '../support/suite-server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const MEBIBYTE = 1024 * 1024;
const server = suiteServer('--max-file-size', '64M');

/** Lines, each once, with noise among them; the seed makes it another content. */
function compressible(seed: string, length: number): Buffer {
  return Buffer.from(
    incompressible(seed, Math.ceil(length / 2))
      .toString('hex')
      .slice(0, length),
  );
}

/** A content as clients send it. Level 1, so that what the server made itself would be told from it. */
function packed(content: Buffer, level = 1): Buffer {
  const frames: Buffer[] = [];
  for (let offset = 0; offset < content.length; offset += FRAME_BYTES)
    frames.push(Buffer.from(compressFrame(content.subarray(offset, offset + FRAME_BYTES), level)));
  return Buffer.concat(frames);
}

function put(name: string, body: Buffer, headers: Readonly<Record<string, string>>, port = server.port) {
  return putFile(port, {
    name,
    version: 1,
    content: body,
    headers: Object.entries({ 'Content-Encoding': 'zstd', ...headers }),
  });
}

const said = (content: Buffer) => ({
  'SHA256-Checksum': sha256(content),
  'Logical-Size': String(content.length),
});

function blobOf(content: Buffer, directory = server.directory): Buffer {
  const path = blobFiles(directory).find((blob) => blob.includes(sha256(content)));
  if (path === undefined) throw new Error('the content is not a blob');
  return readFileSync(join(directory, path));
}

function range(name: string, bytes: string): Promise<RawReply> {
  return rawRequest(server.port, {
    method: 'GET',
    target: fileTarget(name),
    headers: [['Range', `bytes=${bytes}`]],
  });
}

describe('a content that is sent as the store keeps it', () => {
  const content = compressible('kept', 3 * FRAME_BYTES + 1000);
  const body = packed(content);

  it('is kept as it came, and read like any other', async () => {
    expect((await put('kept', body, said(content))).status).toBe(200);
    const blob = blobOf(content);
    expect(blob.subarray(0, body.length).equals(body)).toBe(true);
    expect(execFileSync('zstdcat', { input: blob, maxBuffer: 4 * content.length }).equals(content)).toBe(
      true,
    );
    const reply = await getFile(server.port, 'kept');
    expect(reply.body.equals(content)).toBe(true);
    expect(reply.headers.get('sha256-checksum')).toBe(sha256(content));
    const asStored = await rawRequest(server.port, {
      method: 'GET',
      target: fileTarget('kept'),
      headers: [
        ['Filetracker-Protocol', '3'],
        ['Accept-Encoding', 'zstd'],
      ],
    });
    expect(asStored.body.equals(blob)).toBe(true);
    for (const [start, end] of [
      [0, 9],
      [FRAME_BYTES - 5, FRAME_BYTES + 5],
      [3 * FRAME_BYTES, content.length - 1],
    ] as const) {
      expect((await range('kept', `${start}-${end}`)).body.equals(content.subarray(start, end + 1))).toBe(
        true,
      );
    }
  });

  it('is stored without what its headers could say', async () => {
    const other = compressible('silent', 2 * FRAME_BYTES);
    expect((await put('silent', packed(other), {})).status).toBe(200);
    expect((await getFile(server.port, 'silent')).body.equals(other)).toBe(true);
  });

  it.each([FRAME_BYTES, FRAME_BYTES + 1, 2 * FRAME_BYTES])('of %d bytes', async (length) => {
    const noise = incompressible(`${length}`, length);
    const zeros = Buffer.alloc(length);
    for (const bytes of [noise, zeros]) {
      expect((await put('edge', packed(bytes), said(bytes))).status).toBe(200);
      expect((await getFile(server.port, 'edge')).body.equals(bytes)).toBe(true);
    }
  });

  it('in part, with other frames between, is the same content', async () => {
    const [a, b, c] = [
      compressible('a', FRAME_BYTES),
      compressible('b', 700_000),
      compressible('c', 2 * FRAME_BYTES),
    ];
    const all = Buffer.concat([a, b, c]);
    const mixed = Buffer.concat([packed(a), Buffer.from(compressFrame(b, 1)), packed(c)]);
    expect((await put('mixed', mixed, said(all))).status).toBe(200);
    expect((await getFile(server.port, 'mixed')).body.equals(all)).toBe(true);
    expect(Buffer.concat(await collect(decodeZstd([blobOf(all)]))).equals(all)).toBe(true);
  });

  it('many of them at once', async () => {
    const contents = Array.from({ length: 12 }, (_, n) => compressible(`many ${n}`, 5 * FRAME_BYTES + n));
    const replies = await Promise.all(
      contents.map((bytes, n) => put(`many/${n}`, packed(bytes), said(bytes))),
    );
    expect(replies.map(({ status }) => status)).toEqual(contents.map(() => 200));
    for (const [n, bytes] of contents.entries())
      expect((await getFile(server.port, `many/${n}`)).body.equals(bytes)).toBe(true);
  });

  it('that is stored already is not stored again', async () => {
    await put('kept', body, said(content));
    const before = await settledStore(server);
    expect((await put('again', packed(content, 3), {})).status).toBe(200);
    expect((await settledStore(server)).totals).toEqual({
      ...before.totals,
      files: before.totals.files + 1,
      logical_bytes: before.totals.logical_bytes + content.length,
    });
  });
});

describe('frames that are not what they should be leave nothing', () => {
  const content = compressible('bad', 3 * FRAME_BYTES + 1000);
  const body = packed(content);
  const swapped = Buffer.concat([
    packed(compressible('x', FRAME_BYTES)),
    packed(content.subarray(FRAME_BYTES)),
  ]);
  const flip = (at: number) => {
    const copy = Buffer.from(body);
    copy[at] = (copy[at] ?? 0) ^ 1;
    return copy;
  };
  const zeros = packed(Buffer.alloc(FRAME_BYTES));
  const bomb = Buffer.concat(Array.from({ length: 4096 }, () => zeros));

  it.each([
    ['another content', swapped, said(content), 400, /digest/],
    [
      'frames in another order',
      Buffer.concat([zeros, packed(content.subarray(FRAME_BYTES)), zeros]),
      said(content),
      400,
      /Logical-Size/,
    ],
    ['a frame too few', packed(content.subarray(0, 3 * FRAME_BYTES)), said(content), 400, /Logical-Size/],
    ['a damaged frame', flip(1000), said(content), 400, /zstd/],
    [
      'a damaged frame, later',
      flip(packed(content.subarray(0, 2 * FRAME_BYTES)).length + 1000),
      said(content),
      400,
      /zstd/,
    ],
    ['a damaged checksum of the last', flip(body.length - 1), said(content), 400, /zstd/],
    ['a body that is cut', body.subarray(0, -1), said(content), 400, /zstd/],
    [
      'something behind the last frame',
      Buffer.concat([body, Buffer.from('garbage')]),
      said(content),
      400,
      /zstd/,
    ],
    ['2 GiB of zeros', bomb, {}, 413, /larger/],
    [
      '2 GiB of zeros, announced as less',
      bomb,
      { 'Logical-Size': String(content.length) },
      400,
      /Logical-Size/,
    ],
  ])('%s', async (_, bytes, headers, status, reason) => {
    await put('warm-up', packed(compressible('warm-up', 8 * FRAME_BYTES)), {});
    const before = await settledStore(server);
    const memory = peakMemory(server.process.child.pid ?? 0);
    const replies = await Promise.all(Array.from({ length: 3 }, () => put('bad', bytes, headers)));
    for (const reply of replies) {
      expect(reply.status).toBe(status);
      expect(reply.headers.get('x-exception')).toMatch(reason);
    }
    expect(await settledStore(server)).toEqual(before);
    expect(peakMemory(server.process.child.pid ?? 0) - memory).toBeLessThan(100);
  });
});

it('a server that compresses more than clients do compresses what it is sent', async () => {
  const directory = temporaryDirectory();
  const other = await startServer(directory, '--compression-level', '12');
  const content = compressible('level', 3 * FRAME_BYTES + 1000);
  try {
    expect((await put('level', packed(content), said(content), other.port)).status).toBe(200);
    expect((await getFile(other.port, 'level')).body.equals(content)).toBe(true);
    const stored = packed(content, 12);
    expect(blobOf(content, directory).subarray(0, stored.length).equals(stored)).toBe(true);
  } finally {
    await other.end();
  }
});

it('what a migration has sent is found whole by a recovery', async () => {
  const [tree, directory] = [temporaryDirectory(), temporaryDirectory()];
  const contents = [
    compressible('one', 5 * MEBIBYTE + 1),
    incompressible('two', 3 * MEBIBYTE),
    Buffer.alloc(4 * MEBIBYTE),
  ];
  for (const [n, bytes] of contents.entries()) writeFileSync(join(tree, `f${n}`), bytes);
  const target = await startServer(directory);
  try {
    const done = await filetracker([tree, target.url], { cwd: tree, program: 'filetracker-migrate' });
    expect(done).toMatchObject({ code: 0 });
    for (const [n, bytes] of contents.entries())
      expect((await getFile(target.port, `f${n}`)).body.equals(bytes)).toBe(true);
  } finally {
    await target.end();
  }
  const [first] = contents;
  const frames = packed(first ?? Buffer.alloc(0), 3);
  expect(
    blobOf(first ?? Buffer.alloc(0), directory)
      .subarray(0, frames.length)
      .equals(frames),
  ).toBe(true);
  expect(await recover(directory, '--full')).toMatchObject({ code: 0 });
});
