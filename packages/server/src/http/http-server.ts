import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { SecureContextOptions } from 'node:tls';
import { measuredResponse } from '../metrics/measured-response.js';
import type { ServerMetrics } from '../metrics/server-metrics.js';
import { refuseMalformed } from './malformed.js';

/** How connections are dealt with before the application sees a request. */
export interface HttpServerOptions {
  /** Where requests and connections are counted. */
  readonly metrics: ServerMetrics;
  /** A connection on which nothing moves in either direction for so long is cut, in milliseconds; 0 for never. */
  readonly idleTimeout: number;
  /** Connections beyond so many are closed at once; no bound when there is none. */
  readonly maxConnections: number | undefined;
}

/** How long the head of a request may take to arrive, in milliseconds. */
const HEAD_TIMEOUT = 60_000;

/** How long a client may take to agree on TLS, in milliseconds. */
const HANDSHAKE_TIMEOUT = 20_000;

/**
 * Makes a server that hands requests to the application.
 *
 * @param tls what it needs for TLS; without it the server speaks plain HTTP. With authorities, clients need a
 * certificate of one of them.
 */
export function createHttpServer(
  handler: RequestListener,
  { metrics, idleTimeout, maxConnections }: HttpServerOptions,
  tls: SecureContextOptions | undefined,
): Server {
  const options = {
    ServerResponse: measuredResponse(metrics.requests),
    // A large upload may take hours; what is cut is a connection on which nothing moves.
    requestTimeout: 0,
    headersTimeout: HEAD_TIMEOUT,
    keepAliveTimeout: idleTimeout,
  };
  const server = tls
    ? createTlsServer(
        { ...options, ...tls, requestCert: tls.ca !== undefined, handshakeTimeout: HANDSHAKE_TIMEOUT },
        handler,
      )
    : createServer(options, handler);
  server.setTimeout(idleTimeout);
  if (maxConnections !== undefined) server.maxConnections = maxConnections;
  server.on('clientError', refuseMalformed);
  metrics.traffic.watch(server, tls ? 'secureConnection' : 'connection');
  return server;
}
