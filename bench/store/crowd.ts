/**
 * What thousands of idle and slow clients cost a normal one: `node --import tsx bench/store/crowd.ts [IDLE SLOW]`.
 * 5,000 connections that send nothing, 500 uploads at some bytes a second and 500 downloads that hardly read; beside
 * them one client that stores and reads a small file, over and over.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { incompressible } from '../../test/support/contents.js';
import { peakMemory } from '../../test/support/process-figures.js';
import { type ServerProcess, startServer } from '../../test/support/server-process.js';

const DATE = 'last_modified=Tue,+14+Nov+2023+22:13:20+-0000';
const [IDLE = 5000, SLOW = 500] = process.argv.slice(2).map(Number);
const LARGE_BYTES = 64 * 1024 * 1024;
/** Milliseconds between two small pieces of a slow client. */
const PIECE_INTERVAL = 500;
const SAMPLES = 1500;

async function open(port: number, head: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(head);
  return socket;
}

/** Calls `piece` now and then until the socket closes. */
function slowly(socket: Socket, piece: () => void): void {
  const timer = setInterval(piece, PIECE_INTERVAL);
  socket.once('close', () => clearInterval(timer));
}

async function crowd(port: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (let n = 0; n < IDLE; n++) sockets.push(await open(port, ''));
  for (let n = 0; n < SLOW; n++) {
    const head = `PUT /files/slow/${n}?${DATE} HTTP/1.1\r\nHost: x\r\nContent-Length: ${LARGE_BYTES}\r\n\r\n`;
    const sender = await open(port, head);
    slowly(sender, () => sender.write('some bytes'));
    const reader = await open(port, 'GET /files/large HTTP/1.1\r\nHost: x\r\n\r\n');
    reader.pause();
    slowly(reader, () => void reader.read(4096));
    sockets.push(sender, reader);
  }
  return sockets;
}

/** Times in milliseconds of storing and reading a small file, sorted. */
async function normalClient({ url }: ServerProcess): Promise<number[]> {
  const times: number[] = [];
  for (let n = 0; n < SAMPLES; n++) {
    const started = performance.now();
    await (await fetch(`${url}/files/small?${DATE}`, { method: 'PUT', body: `content ${n}` })).arrayBuffer();
    await (await fetch(`${url}/files/small`)).arrayBuffer();
    times.push(performance.now() - started);
  }
  return times.sort((a, b) => a - b);
}

const at = (times: readonly number[], share: number) => times[Math.floor(times.length * share)] ?? Number.NaN;
const row = (name: string, times: readonly number[], memory: number) =>
  `| ${name} | ${at(times, 0.5).toFixed(2)} | ${at(times, 0.99).toFixed(2)} | ${memory.toFixed(0)} |`;

const directory = mkdtempSync(join(tmpdir(), 'filetracker-bench-'));
const server = await startServer(join(directory, 'store'));
const pid = server.child.pid ?? 0;
const large = new Uint8Array(incompressible('large', LARGE_BYTES));
await fetch(`${server.url}/files/large?${DATE}`, { method: 'PUT', body: large });
await normalClient(server);
console.log('| a small PUT and GET | p50 ms | p99 ms | peak MiB |\n|---|---|---|---|');
for (const _ of [1, 2]) {
  console.log(row('quiet', await normalClient(server), peakMemory(pid)));
  const sockets = await crowd(server.port);
  console.log(row(`${IDLE} idle, ${SLOW} + ${SLOW} slow`, await normalClient(server), peakMemory(pid)));
  for (const socket of sockets) socket.destroy();
}
await server.end('SIGKILL');
rmSync(directory, { recursive: true, force: true });
