import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The program `filetracker`. */
export const COMMAND = fileURLToPath(new URL('../../packages/cli/dist/bin/filetracker.js', import.meta.url));

/** Lines that are kept of what a watcher tells at its start. */
const MAX_TOLD = 20;

/** A watcher that is running, ours or another. */
export class StartedWatch {
  private constructor(
    readonly child: ChildProcess,
    /** Seconds from its start until it said that it follows the tree. */
    readonly secondsToLive: number,
    /** The lines that it told until then. */
    readonly told: readonly string[],
  ) {}

  /** `filetracker watch`. */
  static async ours(root: string, database: string, ...flags: readonly string[]): Promise<StartedWatch> {
    const args = [COMMAND, 'watch', '--json', '--database', database, ...flags, root];
    return StartedWatch.#until(process.execPath, args, { stream: 'stdout', line: /"kind":"started"/ });
  }

  /** `inotifywait -r -m`. */
  static async inotifywait(root: string): Promise<StartedWatch> {
    const args = ['-r', '-m', root];
    return StartedWatch.#until('inotifywait', args, { stream: 'stderr', line: /established/ });
  }

  static async #until(
    command: string,
    args: readonly string[],
    ready: { readonly stream: 'stdout' | 'stderr'; readonly line: RegExp },
  ): Promise<StartedWatch> {
    const began = performance.now();
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const [told, other] =
      ready.stream === 'stdout' ? [child.stdout, child.stderr] : [child.stderr, child.stdout];
    other.resume();
    const lines = createInterface(told);
    const first: string[] = [];
    await new Promise<void>((resolve, reject) => {
      lines.on('line', (line) => {
        if (first.length < MAX_TOLD) first.push(line);
        if (ready.line.test(line)) resolve();
      });
      child.once('exit', (code) => reject(new Error(`${command} ended with ${code}`)));
    });
    return new StartedWatch(child, (performance.now() - began) / 1000, first);
  }

  /** Resident memory, in MiB. */
  get residentMiB(): number {
    return residentMiB(this.child.pid ?? 0);
  }

  /** CPU time so far, in milliseconds. */
  get cpuMs(): number {
    const pid = this.child.pid ?? 0;
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return (Number(stat[11]) + Number(stat[12])) * 10;
  }

  async stop(): Promise<void> {
    this.child.kill('SIGINT');
    await once(this.child, 'exit');
  }
}

/** Resident memory of a process, in MiB. */
export function residentMiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}
