/**
 * The server's peak memory under many large transfers at once: `node --import tsx bench/store/memory.ts [COUNT…]`.
 * Each count is so many uploads of 1 GiB at once and then as many downloads; contents are made as they are sent,
 * and what is received is only counted.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { incompressible } from '../../test/support/contents.js';
import { peakMemory } from '../../test/support/process-figures.js';
import { type ServerProcess, startServer } from '../../test/support/server-process.js';

const GIB = 1024 ** 3;
const BLOCK = 1024 * 1024;
const agent = new Agent({ maxSockets: Number.POSITIVE_INFINITY });

/** A GiB that no other transfer sends and that compresses about seven-fold. */
function* content(seed: string): Generator<Buffer> {
  const text = Buffer.alloc(BLOCK - BLOCK / 8, 'all work and no play makes a dull benchmark; ');
  const noise = incompressible(seed, BLOCK / 8);
  for (let block = 0; block < GIB / BLOCK; block++) {
    // A block of its own each time: the last one may still wait in a socket.
    const bytes = Buffer.concat([noise, text]);
    bytes.writeUInt32LE(block, 0);
    yield bytes;
  }
}

async function upload({ url }: ServerProcess, name: string): Promise<void> {
  const target = `${url}/files/${name}?last_modified=Tue,+14+Nov+2023+22:13:20+-0000`;
  const outgoing = request(target, { method: 'PUT', agent, headers: { 'Content-Length': GIB } });
  const answered = new Promise<number | undefined>((resolve, reject) => {
    outgoing.on('response', (reply) => resolve(reply.resume().statusCode));
    outgoing.on('error', reject);
  });
  await pipeline(Readable.from(content(name), { objectMode: false }), outgoing);
  const status = await answered;
  if (status !== 200) throw new Error(`PUT ${name}: status ${status}`);
}

async function download({ url }: ServerProcess, name: string): Promise<void> {
  const received = await new Promise<number>((resolve, reject) => {
    request(`${url}/files/${name}`, { agent }, (reply) => {
      let bytes = 0;
      reply.on('data', (chunk: Buffer) => (bytes += chunk.length));
      reply.on('end', () => resolve(bytes));
      reply.on('error', reject);
    })
      .on('error', reject)
      .end();
  });
  if (received !== GIB) throw new Error(`GET ${name}: ${received} bytes`);
}

async function measure(
  directory: string,
  count: number,
  transfer: (server: ServerProcess, name: string) => Promise<void>,
): Promise<string> {
  // A server of its own: the peak is that of the process's whole life.
  const server = await startServer(directory);
  const started = performance.now();
  await Promise.all(Array.from({ length: count }, (_, n) => transfer(server, `${count}/${n}`)));
  const seconds = (performance.now() - started) / 1000;
  const peak = Math.round(peakMemory(server.child.pid ?? 0));
  await server.end();
  return `${peak} MiB (${(count / seconds).toFixed(2)} GiB/s)`;
}

const counts = process.argv.slice(2).map(Number);
const directory = mkdtempSync(join(tmpdir(), 'filetracker-memory-'));
try {
  for (const count of counts.length > 0 ? counts : [16, 64]) {
    console.log(`${count} × 1 GiB at once: PUT peak ${await measure(directory, count, upload)}`);
    console.log(`${count} × 1 GiB at once: GET peak ${await measure(directory, count, download)}`);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
