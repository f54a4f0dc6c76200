import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { COMMAND } from './catalog-workplace.js';

type Line = Readonly<Record<string, unknown>>;

/** A `filetracker watch --json` process. */
export class WatchProcess {
  /** All that it has told so far. */
  readonly lines: Line[] = [];
  stderr = '';
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  #onLine: (() => void) | undefined;

  constructor(root: string, database: string, ...flags: readonly string[]) {
    const [program, ...prefix] = flags[0] === 'setpriv' ? flags.slice(0, flags.indexOf('--') + 1) : [];
    const rest = program === undefined ? flags : flags.slice(flags.indexOf('--') + 1);
    const command = [process.execPath, COMMAND, 'watch', '--json', '--database', database, ...rest, root];
    const [file = process.execPath, ...args] =
      program === undefined ? command : [program, ...prefix, ...command];
    this.#child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.stderr.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    createInterface(this.#child.stdout).on('line', (line) => {
      this.lines.push(JSON.parse(line) as Line);
      this.#onLine?.();
    });
    onTestFinished(() => {
      this.#child.kill('SIGKILL');
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The first line of a kind behind `from` lines; fails when the process ends before. */
  async line(matches: Line, from = 0): Promise<Line> {
    for (;;) {
      const found = this.lines
        .slice(from)
        .find((line) => Object.entries(matches).every(([key, value]) => line[key] === value));
      if (found) return found;
      if (this.#child.exitCode !== null) throw new Error(`the watch ended: ${this.stderr}`);
      await Promise.race([
        new Promise<void>((resolve) => {
          this.#onLine = resolve;
        }),
        once(this.#child, 'exit'),
      ]);
    }
  }

  /** Waits until it follows the disk. */
  started(): Promise<Line> {
    return this.line({ kind: 'started' });
  }

  /** Ends it with a signal and waits for that. */
  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill(signal);
    await once(this.#child, 'close');
  }
}
