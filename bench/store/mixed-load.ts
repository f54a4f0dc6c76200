/**
 * Mixed load: 80 % GET, 20 % PUT of files from 1 KiB to 64 MiB (log-uniform) over 16 connections, ours with one and
 * with two workers beside nginx WebDAV, which is not durable and compresses nothing. Prints throughput and latency:
 * `node --import tsx bench/store/mixed-load.ts [SECONDS]`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer } from '../../test/support/server-process.js';
import { median, rounds } from '../support/measure.js';
import { startNginx } from '../support/nginx.js';
import { sourceText } from '../support/source-text.js';

const CONNECTIONS = 16;
const SMALLEST = 1024;
const LARGEST = 64 * 1024 * 1024;
/** Files there are before the clock starts, so that a GET finds every size. */
const STOCK = 100;
const ROUNDS = 3;

interface Target {
  readonly agent: Agent;
  /** Where a file is put and got. */
  readonly putUrl: (name: string) => string;
  readonly getUrl: (name: string) => string;
}

interface Figures {
  readonly requests: number;
  readonly mebibytes: number;
  /** Milliseconds at which 50, 99 and 99.9 % of the requests had ended. */
  readonly latencies: readonly number[];
}

const text = sourceText(LARGEST + 2 ** 20);

/** A content that is not stored yet: text of this length with its number in front. */
function content(n: number): Buffer {
  const size = Math.floor(SMALLEST * (LARGEST / SMALLEST) ** Math.random());
  const start = Math.floor(Math.random() * 2 ** 20);
  const bytes = Buffer.from(text.subarray(start, start + size));
  bytes.writeDoubleLE(Math.random(), 0);
  bytes.writeUInt32LE(n, 8);
  return bytes;
}

/** Sends a request and resolves with the number of content bytes that were moved. */
function exchange(agent: Agent, url: string, body?: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = body ? { 'Content-Length': body.length } : {};
    const outgoing = request(url, { method: body ? 'PUT' : 'GET', agent, headers }, (reply) => {
      let received = 0;
      reply.on('data', (chunk: Buffer) => (received += chunk.length));
      reply.on('error', reject);
      reply.on('end', () => {
        if ((reply.statusCode ?? 500) < 300) resolve(body?.length ?? received);
        else reject(new Error(`${url}: status ${reply.statusCode}`));
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

async function load({ agent, putUrl, getUrl }: Target, round: number, seconds: number): Promise<Figures> {
  const names: string[] = [];
  const put = async (name: string) => {
    const bytes = await exchange(agent, putUrl(name), content(names.length));
    names.push(name);
    return bytes;
  };
  for (let n = 0; n < STOCK; n++) await put(`r${round}s${n}`);

  const took: number[] = [];
  let moved = 0;
  const end = performance.now() + seconds * 1000;
  const client = async (id: number) => {
    for (let n = 0; performance.now() < end; n++) {
      const begun = performance.now();
      const name = names[Math.floor(Math.random() * names.length)] ?? '';
      const bytes = await (Math.random() < 0.2 ? put(`r${round}c${id}n${n}`) : exchange(agent, getUrl(name)));
      moved += bytes;
      took.push(performance.now() - begun);
    }
  };
  const begun = performance.now();
  await Promise.all(Array.from({ length: CONNECTIONS }, (_, id) => client(id)));
  const elapsed = (performance.now() - begun) / 1000;
  took.sort((a, b) => a - b);
  const at = (share: number) =>
    took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? Number.NaN;
  return {
    requests: took.length / elapsed,
    mebibytes: moved / elapsed / 2 ** 20,
    latencies: [0.5, 0.99, 0.999].map(at),
  };
}

function row(name: string, figures: readonly Figures[], peer: readonly Figures[]): string {
  const middle = (pick: (f: Figures) => number) => median(figures.map(pick)).toFixed(0);
  const ratio = median(figures.map((f, n) => f.mebibytes / (peer[n]?.mebibytes ?? Number.NaN)));
  const latencies = [0, 1, 2].map((n) => middle((f) => f.latencies[n] ?? Number.NaN)).join(' | ');
  return `| ${name} | ${middle((f) => f.requests)} | ${middle((f) => f.mebibytes)} | ${latencies} | ${ratio.toFixed(2)}× |`;
}

const seconds = Number(process.argv[2] ?? 20);
const directory = mkdtempSync(join(tmpdir(), 'filetracker-mixed-'));
try {
  const figures = { one: [] as Figures[], two: [] as Figures[], nginx: [] as Figures[] };
  const query = '?last_modified=Tue,+14+Nov+2023+22:13:20+-0000';
  await rounds(ROUNDS, async (round) => {
    for (const workers of [1, 2] as const) {
      const store = join(directory, `store-${workers}`);
      const server = await startServer(store, '--workers', String(workers));
      const getUrl = (name: string) => `${server.url}/files/${name}`;
      const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
      const target = { agent, getUrl, putUrl: (name: string) => getUrl(name) + query };
      figures[workers === 1 ? 'one' : 'two'].push(await load(target, round, seconds));
      agent.destroy();
      await server.end();
      rmSync(store, { recursive: true });
    }
    const nginx = await startNginx(join(directory, 'nginx'));
    const url = (name: string) => `${nginx.url}/dav/${name}`;
    const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
    figures.nginx.push(await load({ agent, getUrl: url, putUrl: url }, round, seconds));
    agent.destroy();
    await nginx.stop();
    rmSync(nginx.root, { recursive: true });
  });
  console.log('| mixed load | requests/s | MiB/s | p50 ms | p99 ms | p99.9 ms | MiB/s of nginx |');
  console.log('|---|---|---|---|---|---|---|');
  console.log(row('Filetracker, 1 worker', figures.one, figures.nginx));
  console.log(row('Filetracker, 2 workers', figures.two, figures.nginx));
  console.log(row('nginx WebDAV, not durable, plain', figures.nginx, figures.nginx));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
