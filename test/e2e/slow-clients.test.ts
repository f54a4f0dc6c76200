import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { incompressible } from '../support/contents.js';
import { fileTarget, getFile, putFile } from '../support/file-requests.js';
import { PATIENTLY } from '../support/patiently.js';
import { peakMemory } from '../support/process-figures.js';
import { rawRequest } from '../support/raw-http.js';
import { type ServerProcess, startServer } from '../support/server-process.js';
import { stagedFiles } from '../support/store-files.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const MEBIBYTE = 1024 * 1024;
/** Longer than a server may take to stop: 15 s for what is under way, and a little. */
const STOP_TIME = 25_000;
const content = incompressible('slow', 24 * MEBIBYTE);

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** Opens a connection, sends `bytes` and reads nothing until it is told to. */
async function open(port: number, bytes: string | Uint8Array): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => undefined);
  socket.pause();
  await once(socket, 'connect');
  socket.write(bytes);
  return socket;
}

async function start(): Promise<{ server: ServerProcess; directory: string; pid: number }> {
  const directory = temporaryDirectory();
  const server = await startServer(directory);
  onTestFinished(async () => void (await server.end('SIGKILL')));
  return { server, directory, pid: server.child.pid ?? 0 };
}

/** The time of one small upload and download in milliseconds. */
async function timeOfSmallFile(port: number, n: number): Promise<number> {
  const started = performance.now();
  const small = incompressible(`small ${n}`, 1000);
  expect((await putFile(port, { name: 'small', version: 1, content: small })).status).toBe(200);
  expect((await getFile(port, 'small')).body.equals(small)).toBe(true);
  return performance.now() - started;
}

/**
 * A server is about as quick as one that has nothing else to do: the best of as many times as it takes, as machines are
 * shared.
 */
async function expectQuick(server: ServerProcess, idle: ServerProcess): Promise<void> {
  const [times, usual]: [number[], number[]] = [[], []];
  await vi.waitFor(async () => {
    usual.push(await timeOfSmallFile(idle.port, usual.length));
    times.push(await timeOfSmallFile(server.port, times.length));
    expect(Math.min(...times)).toBeLessThan(Math.min(...usual) * 5 + 20);
  }, PATIENTLY);
}

const putHead = (name: string, length: number) =>
  `PUT ${fileTarget(name, 1)} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\n\r\n`;
const getHead = (name: string) => `GET ${fileTarget(name)} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

describe('I6: clients that stop in the middle', () => {
  it('cost little memory, hold nobody up, and do not keep the server from stopping', async () => {
    const { server, pid, directory } = await start();
    const { server: idle } = await start();
    expect((await putFile(server.port, { name: 'large', version: 1, content })).status).toBe(200);
    await expectQuick(server, idle);
    const before = peakMemory(pid);

    for (let n = 0; n < 40; n++) {
      // Readers that never read, writers that never go on, and requests that never end.
      await open(server.port, getHead('large'));
      const writer = await open(server.port, putHead(`hanging-${n}`, 100 * MEBIBYTE));
      writer.write(content.subarray(0, 2 * MEBIBYTE));
      await open(server.port, 'GET /status HTTP/1.1\r\nHost: loc');
      await open(server.port, '');
    }
    await vi.waitFor(() => expect(stagedFiles(directory)).toHaveLength(40), PATIENTLY);

    await expectQuick(server, idle);
    expect((await getFile(server.port, 'large')).body.equals(content)).toBe(true);
    // 80 transfers: two frames of 512 KiB and what the sockets hold for each.
    expect(peakMemory(pid) - before).toBeLessThan(200);

    const stopped = performance.now();
    expect(await server.end()).toBe(0);
    expect(performance.now() - stopped).toBeLessThan(STOP_TIME);
    expect(stagedFiles(directory)).toEqual([]);
  });

  it('one byte at a time', async () => {
    const { server, pid } = await start();
    const { server: idle } = await start();
    await expectQuick(server, idle);
    const before = peakMemory(pid);
    const slow = Buffer.from(`${putHead('slow', 300)}${'x'.repeat(300)}`);
    const clients = await Promise.all(Array.from({ length: 50 }, () => open(server.port, '')));
    for (const socket of clients) socket.setNoDelay(true);
    let sent = 0;
    // At 2,500 packets a second the server has time left also where it shares a slow core.
    const timer = setInterval(() => {
      for (const socket of clients) socket.write(slow.subarray(sent, sent + 1));
      if (++sent === slow.length) clearInterval(timer);
    }, 20);
    onTestFinished(() => clearInterval(timer));
    await expectQuick(server, idle);
    const replies = await Promise.all(
      clients.map(async (socket) => {
        socket.resume();
        const [reply] = (await once(socket, 'data')) as [Buffer];
        return reply.toString().slice(0, 12);
      }),
    );
    expect(new Set(replies)).toEqual(new Set(['HTTP/1.1 200']));
    expect((await getFile(server.port, 'slow')).body.toString()).toBe('x'.repeat(300));
    expect(peakMemory(pid) - before).toBeLessThan(100);
  });
});

describe('SIGTERM', () => {
  it('finishes an upload and a download under way, refuses new requests, and exits with 0', async () => {
    const { server, directory } = await start();
    expect((await putFile(server.port, { name: 'large', version: 1, content })).status).toBe(200);
    const download = await open(server.port, getHead('large'));
    const upload = await open(server.port, putHead('late', content.length));
    upload.write(content.subarray(0, 10 * MEBIBYTE));
    await vi.waitFor(() => expect(stagedFiles(directory)).toHaveLength(1), PATIENTLY);

    const ended = server.end();
    await vi.waitFor(() => expect(server.log()).toContain('stopping'), PATIENTLY);
    // What connects just before the door closes may be reset.
    const tryAgain = () => rawRequest(server.port, { method: 'GET', target: '/status' });
    await vi.waitFor(() => expect(tryAgain()).rejects.toThrow('ECONNREFUSED'), PATIENTLY);

    upload.write(content.subarray(10 * MEBIBYTE));
    upload.resume();
    const [reply] = (await once(upload, 'data')) as [Buffer];
    expect(reply.toString()).toMatch(/^HTTP\/1.1 200 /);
    const received: Buffer[] = [];
    for await (const chunk of download) received.push(chunk as Buffer);
    const bytes = Buffer.concat(received);
    expect(bytes.subarray(bytes.indexOf('\r\n\r\n') + 4).equals(content)).toBe(true);
    const finished = performance.now();
    expect(await ended).toBe(0);
    // It waits for requests and not for connections, which clients keep for their next request.
    expect(performance.now() - finished).toBeLessThan(8000);

    const again = await startServer(directory);
    onTestFinished(async () => void (await again.end('SIGKILL')));
    expect((await getFile(again.port, 'late')).body.equals(content)).toBe(true);
    expect(await again.end('SIGINT')).toBe(0);
  });
});
