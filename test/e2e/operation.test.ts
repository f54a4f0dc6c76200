import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { incompressible } from '../support/contents.js';
import { fileTarget, getFile, putFile, storeTotals } from '../support/file-requests.js';
import { fillUp, makeExt4 } from '../support/file-systems.js';
import { PATIENTLY } from '../support/patiently.js';
import { childrenOf } from '../support/process-figures.js';
import { rawRequest } from '../support/raw-http.js';
import { isRoot } from '../support/root.js';
import { startForTest } from '../support/server-command.js';
import { stagedFiles } from '../support/store-files.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const get = (port: number, target: string) => rawRequest(port, { method: 'GET', target });

/** The samples of `GET /metrics` by their names with labels. */
async function metricsOf(port: number): Promise<ReadonlyMap<string, number>> {
  const reply = await get(port, '/metrics');
  expect(reply.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const lines = reply.body.toString().split('\n');
  const samples = lines.filter((line) => line !== '' && !line.startsWith('#'));
  // The lag of the event loop is no number as long as none was measured.
  for (const line of samples) {
    expect(line).toMatch(/^[a-z0-9_]+(\{([a-z]+="[^"]*",?)+\})? (-?[\d.e+-]+|nan)$/i);
  }
  return new Map(
    samples.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))] as const;
    }),
  );
}

const requests = (method: string, status: string, route = '/files/*') =>
  `filetracker_requests_total{route="${route}",method="${method}",status="${status}"}`;

describe('GET /metrics', () => {
  it('counts every request by route, method and status, whichever way its reply was sent', async () => {
    const { port } = await startForTest(temporaryDirectory());
    const content = incompressible('metrics', 3_000_000);
    expect((await putFile(port, { name: 'large', version: 1, content })).status).toBe(200);
    for (let n = 0; n < 3; n++) await getFile(port, 'large');
    await rawRequest(port, { method: 'HEAD', target: fileTarget('large') });
    await getFile(port, 'nothing');
    await get(port, '/list/');
    await get(port, '/nonsense/with/a/path');
    await get(port, '/more/nonsense?x');

    const metrics = await metricsOf(port);
    expect(metrics.get(requests('PUT', '200'))).toBe(1);
    expect(metrics.get(requests('GET', '200'))).toBe(3);
    expect(metrics.get(requests('HEAD', '200'))).toBe(1);
    expect(metrics.get(requests('GET', '404'))).toBe(1);
    expect(metrics.get(requests('GET', '200', '/list/*'))).toBe(1);
    expect(metrics.get(requests('GET', '400', 'other'))).toBe(2);
    const times = 'filetracker_request_duration_seconds';
    expect(metrics.get(`${times}_count{route="/files/*",method="GET"}`)).toBe(4);
    expect(metrics.get(`${times}_bucket{le="+Inf",route="/files/*",method="GET"}`)).toBe(4);
    expect(metrics.get(`${times}_sum{route="/files/*",method="GET"}`)).toBeGreaterThan(0);

    const sent = metrics.get('filetracker_sent_bytes_total') ?? 0;
    expect(sent).toBeGreaterThan(3 * content.length);
    expect(sent).toBeLessThan(3 * content.length + 10_000);
    const received = metrics.get('filetracker_received_bytes_total') ?? 0;
    expect(received).toBeGreaterThan(content.length);
    expect(received).toBeLessThan(content.length + 10_000);
    expect(metrics.get('filetracker_files')).toBe(1);
    expect(metrics.get('filetracker_logical_bytes')).toBe(content.length);
    expect(metrics.get('filetracker_connections')).toBe(1);
    expect(metrics.get('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThan(0);
    expect(metrics.get('process_resident_memory_bytes')).toBeGreaterThan(0);
  });

  it('counts a download that its client gave up as cut', async () => {
    const { port } = await startForTest(temporaryDirectory());
    const content = incompressible('cut', 20_000_000);
    expect((await putFile(port, { name: 'large', version: 1, content })).status).toBe(200);
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(`GET ${fileTarget('large')} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    await once(socket, 'data');
    socket.destroy();
    await vi.waitFor(
      async () => expect((await metricsOf(port)).get(requests('GET', 'cut'))).toBe(1),
      PATIENTLY,
    );
  });

  it('has the figures of all workers, whichever of them is asked', async () => {
    const server = await startForTest(temporaryDirectory(), '--workers', '2');
    await vi.waitFor(() => expect(server.log().match(/serving /g)).toHaveLength(2), PATIENTLY);
    const content = Buffer.from('content');
    expect((await putFile(server.port, { name: 'a', version: 1, content })).status).toBe(200);
    for (let n = 1; n <= 40; n++) await getFile(server.port, 'a');
    const scrapes = await Promise.all(Array.from({ length: 8 }, () => metricsOf(server.port)));
    for (const metrics of scrapes) {
      expect(metrics.get(requests('GET', '200'))).toBe(40);
      expect(metrics.get('filetracker_files')).toBe(1);
    }
    // What a worker that dies had counted stays counted: counters never go back.
    for (let round = 1; round <= 2; round++) {
      const [victim = 0] = childrenOf(server.child.pid);
      process.kill(victim, 'SIGKILL');
      await vi.waitFor(() => expect(server.log().match(/serving /g)).toHaveLength(2 + round), PATIENTLY);
      expect((await metricsOf(server.port)).get(requests('GET', '200'))).toBe(40);
    }
  });
});

describe('GET /healthz', () => {
  it('answers any number of probes with few commits, and leaves nothing behind', async () => {
    const directory = temporaryDirectory();
    const { port } = await startForTest(directory);
    const before = await storeTotals(port);
    const replies = await Promise.all(Array.from({ length: 100 }, () => get(port, '/healthz')));
    for (const { status, headers, body } of replies) {
      expect(status).toBe(200);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(JSON.parse(body.toString())).toEqual({ status: 'ok' });
    }
    expect(await storeTotals(port)).toEqual(before);
    expect(stagedFiles(directory)).toEqual([]);
  });

  it.runIf(isRoot)('says 503 and why while the disk is full, and 200 again when there is room', async () => {
    const disk = makeExt4(48);
    const directory = join(disk.path, 'store');
    const server = await startForTest(directory);
    expect((await get(server.port, '/healthz')).status).toBe(200);
    const makeRoom = fillUp(disk, 0);
    await vi.waitFor(async () => {
      const { status, body } = await get(server.port, '/healthz');
      expect(status).toBe(503);
      expect(JSON.parse(body.toString())).toEqual({
        status: 'failing',
        code: 'storage_full',
        message: 'the server has no room left on its disk',
      });
    }, PATIENTLY);
    await expect.poll(server.log, PATIENTLY).toContain('the store cannot store');
    expect(stagedFiles(directory)).toEqual([]);
    makeRoom();
    await vi.waitFor(async () => expect((await get(server.port, '/healthz')).status).toBe(200), PATIENTLY);
    await expect.poll(server.log, PATIENTLY).toContain('the store can store again');
  });

  it.runIf(isRoot)('says 503 while there are no inodes', async () => {
    const disk = makeExt4(48, '-N', '400');
    const server = await startForTest(join(disk.path, 'store'));
    expect(() => {
      for (let n = 0; n < 1000; n++) writeFileSync(join(disk.path, String(n)), '');
    }).toThrow(/ENOSPC/);
    await vi.waitFor(async () => expect((await get(server.port, '/healthz')).status).toBe(503), PATIENTLY);
  });
});
