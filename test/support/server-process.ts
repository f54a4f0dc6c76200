import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const COMMAND = fileURLToPath(new URL('../../packages/cli/dist/bin/filetracker-server.js', import.meta.url));

/** A real `filetracker-server` that was started from its command. */
export interface ServerProcess {
  readonly url: string;
  readonly port: number;
  readonly child: ChildProcess;
  /** Milliseconds from the start of the process until it listened. */
  readonly startTime: number;
  /** What it has written to its log so far. */
  readonly log: () => string;
  /** Sends a signal and waits for the end; resolves with the exit code, or null after a deadly signal. */
  readonly end: (signal?: NodeJS.Signals) => Promise<number | null>;
}

/** Starts `filetracker-server` on any free port and waits until it listens. Rejects with its log if it ends. */
export async function startServer(directory: string, ...flags: string[]): Promise<ServerProcess> {
  const started = performance.now();
  // Node.js reads additional certificates of a machine before it does anything, which would count as our start.
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
  const child = spawn(process.execPath, [COMMAND, '-d', directory, '-p', '0', ...flags], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const listening = new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      const url = /serving .* at ((?:https?|unix):[^\s"]+)/.exec(output)?.[1];
      if (url) resolve(url);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${output}`)));
  });
  const url = await listening;
  const end = async (signal: NodeJS.Signals = 'SIGTERM') => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
    return child.exitCode;
  };
  const startTime = performance.now() - started;
  return { url, port: Number(new URL(url).port), child, startTime, log: () => output, end };
}
