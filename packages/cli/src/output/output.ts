import { once } from 'node:events';
import type { BytePath } from '@filetracker/catalog';
import type { Progress } from '@filetracker/client';
import type { GlobalSettings } from '../global-options.js';
import type { Failure } from './failure.js';
import { jsonLine, printable } from './printable.js';
import { ProgressBar } from './progress-bar.js';

/** What a command found or did: printed by `--json` as it is, otherwise as text. */
export type Result = Readonly<Record<string, unknown>>;

/**
 * The one way that commands print: results on stdout, everything else on stderr, so that output can be piped.
 * `--json` turns every result into one JSON object a line and errors into one on stderr.
 */
export class Output {
  #settings: GlobalSettings = { verbosity: 'normal', json: false };
  readonly #bars = new Set<ProgressBar>();
  /** Stands in front of what is said on stderr. */
  programName = 'filetracker';

  constructor(
    private readonly stdout: NodeJS.WritableStream,
    private readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean },
  ) {}

  /** Applies the global flags of the command that is about to run. */
  configure(settings: GlobalSettings): void {
    this.#settings = settings;
  }

  get json(): boolean {
    return this.#settings.json;
  }

  /** Whether `-v` was given. */
  get verbose(): boolean {
    return this.#settings.verbosity === 'verbose';
  }

  /** Whether `-q` was given. */
  get quiet(): boolean {
    return this.#settings.verbosity === 'quiet';
  }

  /** Whether things that move, such as a progress bar, may be drawn on stderr. */
  get animated(): boolean {
    return this.stderr.isTTY === true && !this.json && this.#settings.verbosity !== 'quiet';
  }

  /** Prints one result: `text` without a newline for people, if there is something to say, `result` for `--json`. */
  result(text: string | undefined, result: Result): void {
    this.#clearBars();
    if (this.json) this.stdout.write(`${jsonLine(result)}\n`);
    else if (text !== undefined) this.stdout.write(`${text}\n`);
  }

  /**
   * Prints many results that are lines already, with one system call. Wait for it: the reader of a long listing may be
   * slower than the catalog, and what it has not read yet takes memory.
   */
  async lines(lines: readonly string[]): Promise<void> {
    if (lines.length > 0) await this.#write(`${lines.join('\n')}\n`);
  }

  /** As {@link lines}, paths as the bytes that they are, each ended by the one byte that none has. */
  async endedByNul(paths: readonly BytePath[]): Promise<void> {
    await this.#write(Buffer.from(paths.map((path) => `${path}\0`).join(''), 'latin1'));
  }

  async #write(chunk: string | Buffer): Promise<void> {
    if (!this.stdout.write(chunk)) await once(this.stdout, 'drain');
  }

  /** Runs a transfer with a progress bar, where there is a terminal to draw it on. */
  async withProgress<T>(
    label: string,
    transfer: (onProgress?: (progress: Progress) => void) => Promise<T>,
  ): Promise<T> {
    if (!this.animated) return transfer();
    const bar = new ProgressBar(this.stderr, label);
    this.#bars.add(bar);
    try {
      return await transfer((progress) => bar.update(progress));
    } finally {
      bar.stop();
      this.#bars.delete(bar);
    }
  }

  /** Removes the bars from the terminal: a line that is printed beside one would vanish with it. */
  #clearBars(): void {
    for (const bar of this.#bars) bar.stop();
  }

  /** A remark about something odd that did not make the command fail. Silent under `-q`. */
  warn(message: string): void {
    this.#clearBars();
    if (this.#settings.verbosity !== 'quiet')
      this.stderr.write(`${this.programName}: warning: ${printable(message)}\n`);
  }

  /** A remark that closes a report, on stderr so that it does not end up among the results. Silent under `-q`. */
  note(message: string): void {
    this.#clearBars();
    if (this.#settings.verbosity !== 'quiet' && !this.json) this.stderr.write(`${message}\n`);
  }

  /** A remark for `-v`. */
  detail(message: string): void {
    this.#clearBars();
    if (this.verbose) this.stderr.write(`${message}\n`);
  }

  /** The one line that says why a command failed. */
  failure({ code, message, file }: Failure): void {
    this.#clearBars();
    const error = { code, message, ...(file !== undefined && { file }) };
    this.stderr.write(
      this.json ? `${jsonLine({ error })}\n` : `${this.programName}: ${printable(message)}\n`,
    );
  }
}
