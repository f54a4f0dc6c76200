import { ProtocolError } from '@filetracker/protocol';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import type { Logger } from 'pino';
import type { Tokens } from './access/tokens.js';
import { authorizeBy } from './http/authorization.js';
import { sendError } from './http/errors.js';
import { confirmProtocol } from './http/negotiation.js';
import { registerOpenApi } from './http/openapi.js';
import { limitRate } from './http/rate-limit.js';
import { normalizeTarget } from './http/request-target.js';
import { registerBatch } from './http/routes/batch.js';
import { registerChanges } from './http/routes/changes.js';
import { type FilesOptions, registerFiles } from './http/routes/files.js';
import { registerList } from './http/routes/list.js';
import { type OperationOptions, registerOperation } from './http/routes/operation.js';
import { registerService } from './http/routes/service.js';
import { registerUpload } from './http/routes/upload.js';
import { registerVersions } from './http/routes/versions.js';
import { DESCRIBING_SCHEMAS } from './http/schema.js';
import type { ServerMetrics } from './metrics/server-metrics.js';

/** What the HTTP application needs. */
export interface AppOptions extends FilesOptions, OperationOptions {
  readonly logger: Logger;
  /** Where requests are counted. */
  readonly metrics: ServerMetrics;
  /** Path below which everything lies, such as `/ft`; nothing for the root. */
  readonly prefix: string;
  /** Who may do what; without them everybody may do everything. */
  readonly tokens: Tokens | undefined;
  /** How many requests a second an address may send; no bound when there is none. */
  readonly requestsPerSecond: number | undefined;
  /** Whether a peer is a proxy whose `X-Forwarded-For` says who the client is. */
  readonly trustedProxies: ((peer: string | undefined) => boolean) | undefined;
}

/**
 * Builds the HTTP application over an open store. It does not listen: its `routing` handles the requests of servers
 * that {@link createHttpServer} makes. It does not close the store.
 */
export function buildApp(options: AppOptions): FastifyInstance {
  const { metrics, prefix } = options;
  const logger: FastifyBaseLogger = options.logger;
  const app = Fastify({
    loggerInstance: logger,
    // One line a request at most, written by the hook below.
    // A logger for every request would cost as much as reading a small file.
    childLoggerFactory: () => logger,
    logController: new LogController({ disableRequestLogging: true }),
    // Contents are bounded where they are read, in plain bytes.
    bodyLimit: Number.MAX_SAFE_INTEGER,
    rewriteUrl: (request) => normalizeTarget(request.url ?? '/', prefix),
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 16_384 },
    trustProxy: options.trustedProxies ?? false,
    frameworkErrors: sendError,
    schemaController: DESCRIBING_SCHEMAS,
  });
  // Bodies stay streams, whatever their type: they are contents.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  app.addHook('onRequest', (request, reply, done) => {
    confirmProtocol(request, reply);
    done();
  });
  if (options.requestsPerSecond !== undefined) limitRate(app, options.requestsPerSecond);
  if (options.tokens) app.addHook('onRequest', authorizeBy(options.tokens));
  app.setErrorHandler(sendError);
  app.setNotFoundHandler((request, reply) => refuseUnknown(request, reply, prefix));
  if (options.logger.isLevelEnabled('debug')) app.addHook('onResponse', logRequest);
  app.addHook('onRoute', ({ url }) => metrics.requests.addRoute(url));
  app.register((routes, _options, done) => {
    registerOpenApi(routes, prefix);
    registerService(routes, options);
    registerOperation(routes, options);
    registerChanges(routes, options);
    registerList(routes, options);
    registerFiles(routes, options);
    registerUpload(routes, options);
    registerBatch(routes, options);
    registerVersions(routes, options);
    done();
  });
  return app;
}

async function logRequest(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { method, url } = request;
  request.log.debug({ method, url, status: reply.statusCode, ms: Math.round(reply.elapsedTime) }, 'request');
}

/** Which methods each endpoint knows. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  files: ['GET', 'HEAD', 'PUT', 'DELETE'],
  list: ['GET', 'HEAD'],
  changes: ['GET'],
  upload: ['POST'],
  batch: ['POST'],
  versions: ['GET', 'HEAD'],
  version: ['GET', 'HEAD'],
  status: ['GET', 'HEAD'],
  healthz: ['GET', 'HEAD'],
  metrics: ['GET', 'HEAD'],
  'openapi.json': ['GET', 'HEAD'],
};

function refuseUnknown(request: FastifyRequest, reply: FastifyReply, prefix: string): void {
  const { url, method } = request;
  const endpoint = /^\/([^/?]*)/.exec(url)?.[1] ?? '';
  // Clients may ask for "/__proto__" too.
  const allowed = Object.hasOwn(ALLOWED, endpoint) ? ALLOWED[endpoint] : undefined;
  if (allowed === undefined) {
    const expected = Object.keys(ALLOWED).map((name) => `"${prefix}/${name}"`);
    throw new ProtocolError('unknown_endpoint', `unknown endpoint; expected one of ${expected.join(', ')}`);
  }
  if (allowed.includes(method)) throw new ProtocolError('invalid_name', 'a file name must not be empty');
  // As the Python server has it: these two are requests for the wrong place, not with the wrong method.
  if (method === 'PUT' || method === 'DELETE') {
    throw new ProtocolError('invalid_request', `${method} can only be performed on "${prefix}/files/..."`);
  }
  reply.header('Allow', allowed.join(', '));
  throw new ProtocolError(
    'method_not_allowed',
    `${method} is not possible here; allowed: ${allowed.join(', ')}`,
  );
}
