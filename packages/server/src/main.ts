import cluster from 'node:cluster';
import { CommanderError } from 'commander';
import { backUpOnCommand } from './backup-command.js';
import { serveWithWorkers, type WorkerMessage } from './cluster.js';
import { parseConfig, type ServerConfig } from './config.js';
import { type DaemonMessage, startDaemon } from './daemon.js';
import { endAtOnce } from './end-at-once.js';
import { type RunningServer, serve } from './serve.js';
import { notifyManager, type ServiceState } from './service-manager.js';

/** Exit codes of the commands. */
const FAILED = 1;
const MISUSED = 2;

/**
 * The command `filetracker-server`: serves until SIGTERM or SIGINT and exits with 0; with 1 and one line on
 * standard error when it cannot start; with 2 when it was called wrongly.
 *
 * @param argv the arguments without program and script
 */
export async function main(argv: readonly string[]): Promise<void> {
  // `filetracker-server --help | head` closes the pipe early, which is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  try {
    if (argv[0] === 'backup') return await backUpOnCommand(argv.slice(1), process.env);
    await run(parseConfig(argv, process.env, cluster.isWorker ? process.ppid : process.pid), argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : MISUSED;
      return;
    }
    const reason = error instanceof Error ? error.message : String(error);
    if (process.send) tell({ kind: 'failed', failed: reason, reason });
    else process.stderr.write(`filetracker-server: ${reason}\n`);
    process.exitCode = FAILED;
    process.disconnect?.();
  }
}

async function run(config: ServerConfig, argv: readonly string[]): Promise<void> {
  if (config.daemon) {
    const { url, pid } = await startDaemon(argv);
    const where = `${config.directory} at ${url}${config.prefix}`;
    process.stdout.write(`filetracker-server: serving ${where} as process ${pid}\n`);
    return;
  }
  // Node's own answer to the death of the primary process is `process.exit`.
  if (cluster.isWorker) process.prependListener('disconnect', endAtOnce);
  const alone = config.workers === 1 || cluster.isWorker;
  const starting = alone ? serve(config) : serveWithWorkers(config);
  // The service is this process: workers have nothing to say for it.
  const notify = (state: ServiceState) => {
    if (!cluster.isWorker) notifyManager(config.notifySocket, state);
  };
  stopOnSignal(starting, () => notify('STOPPING=1'));
  const { url } = await starting;
  notify('READY=1');
  tell({ kind: 'listening', url });
}

/** Tells whoever started this process, if that waits for it: the primary of a cluster or `--daemon`. */
function tell(message: WorkerMessage & DaemonMessage): void {
  process.send?.(message);
}

/** From now on, also while the server is still starting, a signal stops it in order. */
function stopOnSignal(starting: Promise<RunningServer>, onStop: () => void): void {
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      // Whoever asks twice does not want to wait. A worker hears of one stop twice: from the primary process, and
      // from a terminal or supervisor that signals the whole group.
      if (stopping && cluster.isWorker) return;
      if (stopping) endAtOnce();
      stopping = true;
      onStop();
      void stopAndExit(starting);
    });
  }
}

async function stopAndExit(starting: Promise<RunningServer>): Promise<void> {
  // A start that fails is reported where it is awaited.
  const server = await starting.catch(() => undefined);
  try {
    await server?.stop();
    process.exit(server ? 0 : FAILED);
  } catch (error) {
    process.stderr.write(`filetracker-server: ${String(error)}\n`);
    process.exit(FAILED);
  }
}
