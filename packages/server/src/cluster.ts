import cluster, { type Worker } from 'node:cluster';
import type { Logger } from 'pino';
import type { ServerConfig } from './config.js';
import { freePort } from './listening/free-port.js';
import { removeStaleSockets } from './listening/socket-file.js';
import { openLog } from './log.js';
import { type MetricsMessage, WorkerReports } from './metrics/worker-reports.js';
import type { RunningServer } from './serve.js';

/** A worker that dies sooner than this after its start, in milliseconds, is replaced only after a pause. */
const QUICK_DEATH = 1000;

/** What a worker tells the primary process of its start. */
export type WorkerMessage =
  | { readonly kind: 'listening'; readonly url: string }
  | { readonly kind: 'failed'; readonly reason: string };

/**
 * Runs `config.workers` processes that serve one store on one port, and replaces those that die. Resolves when
 * the first listens; rejects when a worker says that it cannot start at all.
 */
export async function serveWithWorkers(config: ServerConfig): Promise<RunningServer> {
  const { logger, reopen } = await openLog(config);
  await removeStaleSockets(config.listen);
  // Workers accept connections by themselves. Where the primary hands them out, one that is on its way to a worker
  // that dies is never closed, and its client waits in vain.
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  // With the last worker its port is given back: those in the place of workers that died all at once would get another.
  const port = await freePort(config.listen);
  if (port !== undefined) cluster.setupPrimary({ args: [...process.argv.slice(2), '--port', String(port)] });
  let listening = false;
  return new Promise((resolve, reject) => {
    const workers = new WorkerGroup(logger, (message) => {
      if (message.kind === 'listening') {
        listening = true;
        resolve({ url: message.url, stop: () => workers.stop() });
      } else if (listening) {
        // A disk that is full just now must not stop the workers that serve what is there.
        logger.error({ reason: message.reason }, 'a worker cannot start; it is tried again');
      } else workers.stop().then(() => reject(new Error(message.reason)), reject);
    });
    process.on('SIGHUP', () => {
      reopen();
      workers.signal('SIGHUP');
    });
    for (let n = 0; n < config.workers; n++) workers.start();
  });
}

class WorkerGroup {
  readonly #running = new Set<Worker>();
  readonly #reports = new WorkerReports();
  #stopping = false;
  #stopped: (() => void) | undefined;

  constructor(
    private readonly logger: Logger,
    private readonly onMessage: (message: WorkerMessage) => void,
  ) {}

  start(): void {
    const worker = cluster.fork();
    const started = Date.now();
    this.#running.add(worker);
    worker.on('message', (message: WorkerMessage | MetricsMessage) => {
      if (message.kind === 'listening' || message.kind === 'failed') this.onMessage(message);
      if (message.kind === 'reports-wanted') void this.#reports.relay(worker, message.id, this.#running);
    });
    worker.once('exit', (code, signal) => {
      this.#running.delete(worker);
      void this.#reports.depart(worker);
      if (this.#stopping) {
        if (this.#running.size === 0) this.#stopped?.();
        return;
      }
      this.logger.error({ worker: worker.process.pid, code, signal }, 'a worker died and is replaced');
      const pause = Date.now() - started < QUICK_DEATH ? QUICK_DEATH : 0;
      setTimeout(() => {
        if (!this.#stopping) this.start();
      }, pause);
    });
  }

  signal(signal: NodeJS.Signals): void {
    for (const worker of this.#running) worker.process.kill(signal);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.signal('SIGTERM');
    if (this.#running.size > 0) {
      await new Promise<void>((resolve) => {
        this.#stopped = resolve;
      });
    }
  }
}
