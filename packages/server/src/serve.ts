import cluster from 'node:cluster';
import type { RequestListener } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { buildApp } from './app.js';
import type { ServerConfig } from './config.js';
import { endAtOnce } from './end-at-once.js';
import { FallbackImport } from './fallback/fallback-import.js';
import { FallbackServer } from './fallback/fallback-server.js';
import { readDirectly } from './http/direct-reads.js';
import { createHttpServer } from './http/http-server.js';
import { Listener } from './listening/listener.js';
import { removeStaleSockets } from './listening/socket-file.js';
import { openLog } from './log.js';
import { ServerMetrics } from './metrics/server-metrics.js';
import { shareReports } from './metrics/worker-reports.js';
import { Protection } from './protection.js';
import { ContentDamagedError } from './store/errors.js';
import type { FileStore } from './store/file-store.js';
import { type Health, HealthProbe } from './store/health-probe.js';
import { type OpenedStore, openStore } from './store/open-store.js';

/** How long requests under way may take after a stop was asked for, in milliseconds. */
const STOP_DEADLINE = 15_000;

/** A server that listens. */
export interface RunningServer {
  readonly url: string;
  /** Refuses new requests, finishes those under way within a deadline, and closes the store. */
  stop(): Promise<void>;
}

/** Opens the store and serves it until `stop`. Throws {@link StoreOpenError} with a line for the operator. */
export async function serve(config: ServerConfig): Promise<RunningServer> {
  const { logger, reopen } = await openLog(config);
  const protection = new Protection(config, logger);
  process.on('SIGHUP', () => {
    reopen();
    protection.reload();
  });
  const opened = await openStore({
    directory: config.directory,
    compressionLevel: config.compressionLevel,
    durable: config.durable,
    checkpoints: config.checkpoints,
    scrubInterval: config.scrubInterval,
    maxFileSize: config.maxFileSize,
    keepTombstones: config.fallbackUrl !== undefined,
    rules: config.rules,
    readOnly: config.readOnly,
    onBackgroundError: (err) =>
      logger.error({ err }, err instanceof ContentDamagedError ? err.message : 'background work failed'),
    onUnusable: (err) => {
      logger.fatal({ err }, 'this process can use the store no more and ends; start it again');
      endAtOnce();
    },
  });
  if (opened.swept > 0) logger.warn({ files: opened.swept }, 'removed what an earlier crash had left');
  const { store } = opened;
  const metrics = new ServerMetrics(store);
  const report = () => metrics.report();
  const app = buildApp({
    ...config,
    logger,
    store,
    fallbackImport: config.fallbackImport ? importFrom(config, store, logger) : undefined,
    tokens: protection.tokens,
    metrics,
    reports: cluster.isWorker ? shareReports(report) : async () => [await report()],
    health: new HealthProbe(
      () => store.probe(),
      (health) => logHealth(logger, health),
    ),
  });
  await app.ready();
  const routing: RequestListener = (request, response) => app.routing(request, response);
  const handler = hasHooks(config, logger) ? routing : readDirectly(routing, store, logger);
  const server: Serving = { app, opened, logger, listeners: [] };
  try {
    // The workers of a cluster share sockets that the primary process opens.
    if (!cluster.isWorker) await removeStaleSockets(config.listen);
    for (const address of config.listen) {
      const http = createHttpServer(handler, { ...config, metrics }, protection.tlsFor(address));
      protection.follow(http);
      server.listeners.push(await Listener.open(http, address, config));
    }
  } catch (error) {
    await Promise.all(server.listeners.map((listener) => listener.close()));
    await opened.close();
    throw error;
  }
  const urls = server.listeners.map((listener) => listener.url);
  for (const url of urls) logger.info(`serving ${config.directory} at ${url}${config.prefix}`);
  if (!config.durable) logger.warn('running with --sync none: a power cut loses acknowledged files');
  return { url: urls.join(' and '), stop: () => stop(server) };
}

function importFrom(
  { fallbackUrl, idleTimeout }: ServerConfig,
  store: FileStore,
  logger: Logger,
): FallbackImport | undefined {
  if (fallbackUrl === undefined) return undefined;
  // Half of it, so that whoever waits here is told before the connection, on which nothing moves meanwhile, is cut.
  return new FallbackImport(new FallbackServer(fallbackUrl, idleTimeout / 2), store, logger);
}

/** Whether every request must pass through the application's hooks. */
function hasHooks({ tokenFile, requestsPerSecond, prefix }: ServerConfig, logger: Logger): boolean {
  return (
    tokenFile !== undefined ||
    requestsPerSecond !== undefined ||
    prefix !== '' ||
    logger.isLevelEnabled('debug')
  );
}

interface Serving {
  readonly app: FastifyInstance;
  readonly opened: OpenedStore;
  readonly logger: Logger;
  readonly listeners: Listener[];
}

function logHealth(logger: Logger, health: Health): void {
  if (health.healthy) logger.info('the store can store again');
  else logger.error({ err: health.error }, 'the store cannot store');
}

async function stop({ app, opened, logger, listeners }: Serving): Promise<void> {
  logger.info('stopping: finishing the requests under way');
  const deadline = setTimeout(() => {
    logger.warn('requests under way took too long and were cut');
    for (const listener of listeners) listener.cut();
  }, STOP_DEADLINE);
  await Promise.all([app.close(), ...listeners.map((listener) => listener.close())]);
  clearTimeout(deadline);
  await opened.close();
  logger.info('stopped');
}
