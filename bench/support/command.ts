import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Runs a program and resolves with what it printed. Says what to install when it is not there. */
export async function output(program: string, ...args: string[]): Promise<string> {
  try {
    return (await run(program, args, { maxBuffer: 64 * 1024 * 1024 })).stdout;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Error(`the benchmarks need ${program}: apt-get install nginx-light rsync wrk zstd curl`, {
      cause: error,
    });
  }
}

/** Seconds that a program takes. */
export async function seconds(program: string, ...args: string[]): Promise<number> {
  const start = performance.now();
  await output(program, ...args);
  return (performance.now() - start) / 1000;
}

/** CPU seconds, user and system, that a program takes. */
export async function cpuSeconds(program: string, ...args: string[]): Promise<number> {
  const report = await output(
    'bash',
    '-c',
    'TIMEFORMAT="%U %S"; { time "$@" >/dev/null 2>&1; } 2>&1',
    'bash',
    program,
    ...args,
  );
  const [user = Number.NaN, system = Number.NaN] = report.trim().split(' ').map(Number);
  return user + system;
}

/** Requests a second that wrk sees. Throws when a reply is an error. */
export async function requestsPerSecond(...args: string[]): Promise<number> {
  const report = await output('wrk', '-t1', ...args);
  if (/Non-2xx|Socket errors/.test(report)) throw new Error(`wrk met errors:\n${report}`);
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(report)?.[1]);
}
