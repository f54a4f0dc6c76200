import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What one run of a command took. */
export interface Measured {
  readonly seconds: number;
  /** Seconds of processor time of the process, user and system. */
  readonly cpuSeconds: number;
  /** Peak memory of the process, in MiB. */
  readonly peakMiB: number;
  /** What it caused to be written to the database's disk, in MiB. */
  readonly writtenMiB: number;
}

/** The `filetracker` command as it is built. */
export const COMMAND = fileURLToPath(new URL('../../packages/cli/dist/bin/filetracker.js', import.meta.url));

/** How `find` is asked for what a catalog must know at least. */
export const FIND_FORMAT = String.raw`%p %s %T@\n`;

/** Clock ticks a second in /proc/PID/stat. */
const TICKS = 100;

const LOOK_EVERY_MS = 10;

/**
 * Without what makes Node.js 20 read a file of certificates at each start, which takes 80 ms and is nothing that a
 * program does or can prevent.
 */
const { NODE_EXTRA_CA_CERTS: _, ...ENVIRONMENT } = process.env;

/**
 * Runs a command to its end, watching its processor time, memory and writes. `written` tells the bytes that are
 * written so far, of a process while it runs or in all.
 */
export async function measure(
  command: string,
  args: readonly string[],
  written: (pid: number | undefined) => Promise<number> = () => Promise.resolve(0),
): Promise<Measured> {
  const before = await written(undefined);
  const started = process.hrtime.bigint();
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'], env: ENVIRONMENT });
  let status = '';
  let ticks = 0;
  let bytes = before;
  const look = async () => {
    try {
      const now = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      // One that has ended and was not waited for has no memory any more.
      if (now.includes('VmHWM')) status = now;
      ticks = statTicks(readFileSync(`/proc/${child.pid}/stat`, 'utf8'), OWN);
      bytes = await written(child.pid);
    } catch {
      // The process has just ended: the look before is the last.
    }
  };
  const timer = setInterval(() => void look(), LOOK_EVERY_MS);
  const code = await new Promise<number | null>((resolve) => child.on('exit', resolve));
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  clearInterval(timer);
  // A server's count is asked for at the end; a process has none by then.
  bytes = Math.max(bytes, await written(undefined));
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}`);
  return {
    seconds,
    cpuSeconds: ticks / TICKS,
    peakMiB: Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024,
    writtenMiB: (bytes - before) / 2 ** 20,
  };
}

/** The middle one of some numbers. */
export function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

/** Processor time, user and system, of all child processes that have ended. */
export function childrenSeconds(): number {
  return statTicks(readFileSync('/proc/self/stat', 'utf8'), CHILDREN) / TICKS;
}

/** Where the times of a process, and of its children that have ended, stand behind the name. */
const OWN = 11;
const CHILDREN = 13;

/** User and system time of /proc/PID/stat; its second field, in brackets, may hold spaces. */
function statTicks(stat: string, at: number): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[at]) + Number(fields[at + 1]);
}
