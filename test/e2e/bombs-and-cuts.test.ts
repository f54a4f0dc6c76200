import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { compressFrame } from '@filetracker/durable-fs/zstd-frame';
import { describe, expect, it, vi } from 'vitest';
import { incompressible } from '../support/contents.js';
import { fileTarget, getFile, putFile } from '../support/file-requests.js';
import { PATIENTLY } from '../support/patiently.js';
import { peakMemory } from '../support/process-figures.js';
import { rawExchange } from '../support/raw-http.js';
import { startForTest } from '../support/server-command.js';
import { settledStore } from '../support/settled-store.js';
import { stagedFiles, storeFiles } from '../support/store-files.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const MEBIBYTE = 1024 * 1024;

interface TestedServer {
  readonly directory: string;
  readonly port: number;
  /** The most memory that it has had so far, in MiB. */
  readonly memory: () => number;
}

/** A server of its own for a test: what one leaves behind when it fails is not told of another. */
async function start(): Promise<TestedServer> {
  const directory = temporaryDirectory();
  const { port, child } = await startForTest(directory, '--max-file-size', '64M');
  return { directory, port, memory: () => peakMemory(child.pid ?? 0) };
}

describe('a body that expands beyond its limit is refused, and memory stays flat', () => {
  const zeros = Buffer.alloc(32 * MEBIBYTE);
  // 2 GiB in 2 MiB: gzip members and zstd frames may follow each other.
  const bombs = {
    gzip: Buffer.concat(Array.from({ length: 64 }, () => gzipSync(zeros))),
    zstd: Buffer.concat(Array.from({ length: 64 }, () => compressFrame(zeros, 3))),
  };
  // Expands little, but much of it is still to come when the limit is reached.
  const long = gzipSync(incompressible('long', 80 * MEBIBYTE), { level: 0 });

  it.each([
    ['gzip beyond --max-file-size', bombs.gzip, 'gzip', {}, 413],
    ['zstd beyond --max-file-size', bombs.zstd, 'zstd', {}, 413],
    ['a long gzip beyond --max-file-size', long, 'gzip', {}, 413],
    ['gzip beyond its Logical-Size', bombs.gzip, 'gzip', { 'Logical-Size': '1000' }, 400],
    ['zstd beyond its Logical-Size', bombs.zstd, 'zstd', { 'Logical-Size': '1000' }, 400],
    ['a long gzip beyond its Logical-Size', long, 'gzip', { 'Logical-Size': '1000' }, 400],
  ])('%s', async (_, content, encoding, headers, status) => {
    const server = await start();
    await putFile(server.port, { name: 'warm-up', version: 1, content: incompressible('x', 8 * MEBIBYTE) });
    const before = await settledStore(server);
    const memory = server.memory();
    const replies = await Promise.all(
      Array.from({ length: 4 }, () =>
        putFile(server.port, {
          name: 'bomb',
          version: 1,
          content,
          headers: Object.entries({ 'Content-Encoding': encoding, ...headers }),
        }),
      ),
    );
    expect(replies.map((reply) => reply.status)).toEqual(Array.from({ length: 4 }, () => status));
    expect(await settledStore(server)).toEqual(before);
    expect(server.memory() - memory).toBeLessThan(100);
  });

  it('a body of a million one-byte chunks', async () => {
    const server = await start();
    const before = server.memory();
    const chunks = Buffer.from('1\r\nx\r\n'.repeat(MEBIBYTE));
    const head = `PUT ${fileTarget('chunks', 1)} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const reply = await rawExchange(
      server.port,
      Buffer.concat([Buffer.from(head), chunks, Buffer.from('0\r\n\r\n')]),
    );
    expect(reply.status).toBe(200);
    expect((await getFile(server.port, 'chunks')).body.equals(Buffer.alloc(MEBIBYTE, 'x'))).toBe(true);
    expect(server.memory() - before).toBeLessThan(100);
  });
});

describe('an upload that is cut leaves no trace', () => {
  const content = incompressible('cut', 4 * MEBIBYTE);
  const length = { 'Content-Length': String(content.length) };
  const chunked = { 'Transfer-Encoding': 'chunked' };
  const asChunk = (bytes: Uint8Array) =>
    Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
  const zipped = gzipSync(content);

  /** Begins an upload and waits until the server has written some of it. */
  async function begin(
    { directory, port }: TestedServer,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
  ): Promise<Socket> {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    const lines = Object.entries({ Host: 'localhost', ...headers }).map((line) => line.join(': '));
    socket.write(`PUT ${fileTarget('good', 2000)} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    socket.write(body);
    await vi.waitFor(() => expect(stagedFiles(directory)).toHaveLength(1), PATIENTLY);
    return socket;
  }

  it.each([
    ['by its length', length, content.subarray(0, 3 * MEBIBYTE)],
    ['between two chunks', chunked, asChunk(content.subarray(0, 3 * MEBIBYTE))],
    ['inside a chunk', chunked, asChunk(content).subarray(0, 3 * MEBIBYTE)],
    [
      'inside gzip',
      { 'Content-Length': String(zipped.length), 'Content-Encoding': 'gzip' },
      zipped.subarray(0, 3 * MEBIBYTE),
    ],
  ])('%s', async (_, headers, body) => {
    const server = await start();
    await putFile(server.port, { name: 'good', version: 1000, content: Buffer.from('good') });
    const before = await settledStore(server);

    const reset = await begin(server, headers, body);
    reset.resetAndDestroy();
    await vi.waitFor(() => expect(storeFiles(server.directory)).toEqual(before.files), PATIENTLY);

    const halfClosed = await begin(server, headers, body);
    halfClosed.end();
    halfClosed.resume();
    await once(halfClosed, 'close');
    await vi.waitFor(() => expect(storeFiles(server.directory)).toEqual(before.files), PATIENTLY);

    expect(await settledStore(server)).toEqual(before);
    expect((await getFile(server.port, 'good')).body.toString()).toBe('good');
    // The retry is stored, and is what was sent.
    expect((await putFile(server.port, { name: 'good', version: 2000, content })).status).toBe(200);
    expect((await getFile(server.port, 'good')).body.equals(content)).toBe(true);
  });
});
