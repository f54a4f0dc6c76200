import { createServer, type Server } from 'node:http';
import { measuredResponse } from '../metrics/measured-response.js';
import type { ServerMetrics } from '../metrics/server-metrics.js';

/** A connection on which nothing moves in either direction for so long is cut, in milliseconds. */
const IDLE_TIMEOUT = 120_000;

/** How long the head of a request may take to arrive, in milliseconds. */
const HEAD_TIMEOUT = 60_000;

/** Makes the server that hands requests to the application. Every one of them and every connection is counted. */
export function createHttpServer(
  handler: Parameters<typeof createServer>[1] & object,
  metrics: ServerMetrics,
): Server {
  const server = createServer(
    {
      ServerResponse: measuredResponse(metrics.requests),
      // A large upload may take hours; what is cut is a connection on which nothing moves.
      requestTimeout: 0,
      headersTimeout: HEAD_TIMEOUT,
      keepAliveTimeout: IDLE_TIMEOUT,
    },
    handler,
  );
  server.setTimeout(IDLE_TIMEOUT);
  metrics.traffic.watch(server);
  return server;
}
