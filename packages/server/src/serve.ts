import cluster from 'node:cluster';
import { isIPv6 } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { buildApp } from './app.js';
import type { ServerConfig } from './config.js';
import { openLog } from './log.js';
import { ServerMetrics } from './metrics/server-metrics.js';
import { shareReports } from './metrics/worker-reports.js';
import { StoreOpenError } from './store/errors.js';
import { type Health, HealthProbe } from './store/health-probe.js';
import { type OpenedStore, openStore } from './store/open-store.js';

/** How long requests under way may take after a stop was asked for, in milliseconds. */
const STOP_DEADLINE = 15_000;

/** How often connections that have become idle are closed while the server stops, in milliseconds. */
const IDLE_CHECK_INTERVAL = 50;

/** A server that listens. */
export interface RunningServer {
  readonly url: string;
  /** Refuses new requests, finishes those under way within a deadline, and closes the store. */
  stop(): Promise<void>;
}

/** Opens the store and serves it until `stop`. Throws {@link StoreOpenError} with a line for the operator. */
export async function serve(config: ServerConfig): Promise<RunningServer> {
  const { logger, reopen } = openLog(config);
  process.on('SIGHUP', reopen);
  const opened = await openStore({
    directory: config.directory,
    compressionLevel: config.compressionLevel,
    durable: config.durable,
    maxFileSize: config.maxFileSize,
    keepTombstones: config.fallbackUrl !== undefined,
    onBackgroundError: (err) => logger.error({ err }, 'background work failed'),
  });
  if (opened.swept > 0) logger.warn({ files: opened.swept }, 'removed what an earlier crash had left');
  const { maxFileSize, fallbackUrl } = config;
  const { store } = opened;
  const metrics = new ServerMetrics(store);
  const report = () => metrics.report();
  const app = buildApp({
    logger,
    store,
    maxFileSize,
    fallbackUrl,
    metrics,
    reports: cluster.isWorker ? shareReports(report) : async () => [await report()],
    health: new HealthProbe(
      () => store.probe(),
      (health) => logHealth(logger, health),
    ),
  });
  try {
    await app.listen({
      host: config.host,
      port: config.port,
      listenTextResolver: (address) => `serving ${config.directory} at ${address}`,
    });
  } catch (error) {
    await opened.close();
    throw new StoreOpenError(listenProblem(error as NodeJS.ErrnoException, config), { cause: error });
  }
  if (!config.durable) logger.warn('running with --sync none: a power cut loses acknowledged files');
  return { url: addressOf(app), stop: () => stop(app, opened, logger) };
}

function logHealth(logger: Logger, health: Health): void {
  if (health.healthy) logger.info('the store can store again');
  else logger.error({ err: health.error }, 'the store cannot store');
}

async function stop(app: FastifyInstance, opened: OpenedStore, logger: Logger): Promise<void> {
  logger.info('stopping: finishing the requests under way');
  const deadline = setTimeout(() => {
    logger.warn('requests under way took too long and were cut');
    app.server.closeAllConnections();
  }, STOP_DEADLINE);
  // A connection whose request ends only now would be kept open for a next one.
  const idle = setInterval(() => app.server.closeIdleConnections(), IDLE_CHECK_INTERVAL);
  await app.close();
  clearInterval(idle);
  clearTimeout(deadline);
  await opened.close();
  logger.info('stopped');
}

function addressOf(app: FastifyInstance): string {
  const address = app.server.address();
  if (address === null || typeof address === 'string') return String(address);
  const host = isIPv6(address.address) ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}

function listenProblem(error: NodeJS.ErrnoException, { host, port }: ServerConfig): string {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: `port ${port} of ${host} is taken by another program; choose another one with -p`,
    EACCES: `not allowed to listen on port ${port} of ${host}; choose one above 1023 with -p`,
    EADDRNOTAVAIL: `this machine has no address ${host}; choose another one with -l`,
    ENOTFOUND: `there is no host ${host}; choose another address with -l`,
  };
  return reasons[error.code ?? ''] ?? `cannot listen on port ${port} of ${host}: ${error.message}`;
}
