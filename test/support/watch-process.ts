import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { COMMAND } from './catalog-workplace.js';
import { stopWhen } from './stop-when.js';

type Line = Readonly<Record<string, unknown>>;

/** A `filetracker watch --json` process. */
export class WatchProcess {
  /** All that it has told so far. */
  readonly lines: Line[] = [];
  stderr = '';
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #exited: Promise<unknown>;
  readonly #waiting = new Set<() => void>();

  /** `wrap` is a command that starts the command that follows it, such as setpriv(1). */
  constructor(
    root: string,
    database: string,
    { flags = [], wrap = [] }: { readonly flags?: readonly string[]; readonly wrap?: readonly string[] } = {},
  ) {
    const watch = [process.execPath, COMMAND, 'watch', '--json', '--database', database, ...flags, root];
    const [file = process.execPath, ...args] = [...wrap, ...watch];
    this.#child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#exited = once(this.#child, 'close');
    this.#child.stderr.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    createInterface(this.#child.stdout).on('line', (line) => {
      this.lines.push(JSON.parse(line) as Line);
      for (const wake of this.#waiting) wake();
      this.#waiting.clear();
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
      if (this.#child.exitCode !== null || this.#child.signalCode !== null)
        throw new Error(`the watch ended: ${this.stderr}`);
      await Promise.race([
        new Promise<void>((resolve) => {
          this.#waiting.add(resolve);
        }),
        this.#exited,
      ]);
    }
  }

  /** Waits until it follows the disk. */
  started(): Promise<Line> {
    return this.line({ kind: 'started' });
  }

  /** Does something while it gets no turn. */
  async whileStopped(action: () => void): Promise<void> {
    await stopWhen(this.#child, () => true);
    action();
    this.#child.kill('SIGCONT');
  }

  /** Ends it with a signal and waits for that. */
  async end(signal: NodeJS.Signals): Promise<void> {
    this.#child.kill(signal);
    await this.#exited;
  }
}
