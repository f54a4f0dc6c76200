import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ListenAddress } from './listen-address.js';
import { processExposition } from './process-metrics.js';
import type { WatchMetrics } from './watch-metrics.js';

/** Answers `GET /metrics` and `GET /healthz`. Returns where. */
export async function serveMetrics(
  metrics: WatchMetrics,
  { host, port }: ListenAddress,
): Promise<{ readonly server: Server; readonly url: string }> {
  const server = createServer(({ method, url }, reply) => {
    if (method !== 'GET' && method !== 'HEAD') reply.writeHead(405).end();
    else if (url === '/metrics') {
      reply.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
      reply.end(metrics.exposition() + processExposition());
    } else if (url === '/healthz') {
      const { isLive, roots } = metrics.health();
      reply.writeHead(isLive ? 200 : 503, { 'content-type': 'application/json' });
      reply.end(`${JSON.stringify({ status: isLive ? 'ok' : 'waiting', roots })}\n`);
    } else reply.writeHead(404).end();
  });
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  return { server, url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}` };
}
