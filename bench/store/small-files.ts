import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServer } from '../../test/support/server-process.js';
import { requestsPerSecond } from '../support/command.js';
import { type Row, rounds } from '../support/measure.js';
import { startNginx } from '../support/nginx.js';

const PUT_SCRIPT = fileURLToPath(new URL('./put-small.lua', import.meta.url));
const BARE_FASTIFY = fileURLToPath(new URL('../support/bare-fastify.ts', import.meta.url));
const QUERY = '?last_modified=Tue,+14+Nov+2023+22:13:20+-0000';
const ROUNDS = 5;

/** PUT of distinct files of 4 KiB, durable, beside nginx's WebDAV, which syncs nothing. */
export async function putSmall(directory: string): Promise<Row> {
  const server = await startServer(join(directory, 'store'));
  const nginx = await startNginx(join(directory, 'nginx'));
  const put = (url: string, ...args: string[]) =>
    requestsPerSecond('-c16', '-d4s', '-s', PUT_SCRIPT, url, '--', ...args);
  const results = await rounds(ROUNDS, async () => {
    const ours = await put(server.url, '/files/bench/d', QUERY);
    return [ours, await put(nginx.url, '/dav/d')] as const;
  });
  await Promise.all([server.end(), nginx.stop()]);
  return {
    work: 'PUT distinct 4 KiB files, durable, 16 connections',
    peer: 'nginx WebDAV, not durable',
    unit: '/s',
    rounds: results,
    target: 2,
  };
}

/** GET of 4 KiB beside a Fastify route that sends 4 KiB from memory. */
export async function getSmall(directory: string): Promise<Row> {
  const server = await startServer(join(directory, 'store'));
  const bare = fork(BARE_FASTIFY, { execArgv: ['--import', 'tsx'] });
  const [port] = (await once(bare, 'message')) as [number];
  await fetch(`${server.url}/files/f${QUERY}`, { method: 'PUT', body: randomBytes(4096) });
  const get = (url: string) => requestsPerSecond('-c32', '-d4s', `${url}/files/f`);
  const results = await rounds(ROUNDS, async () => {
    const ours = await get(server.url);
    return [ours, await get(`http://127.0.0.1:${port}`)] as const;
  });
  bare.kill();
  await server.end();
  return {
    work: 'GET 4 KiB, 32 connections, one process',
    peer: 'bare Fastify route, from memory',
    unit: '/s',
    rounds: results,
    target: 0.8,
  };
}
