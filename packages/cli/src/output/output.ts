import { once } from 'node:events';
import type { BytePath } from '@filetracker/catalog';
import type { Progress } from '@filetracker/client';
import type { GlobalSettings } from '../global-options.js';
import type { Amount } from '../migrate/source.js';
import type { Failure } from './failure.js';
import { FilesProgress } from './files-progress.js';
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
  /** What moves on the terminal. */
  readonly #moving = new Set<{ clear(): void }>();
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
    this.#clearMoving();
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
    this.#moving.add(bar);
    try {
      return await transfer((progress) => bar.update(progress));
    } finally {
      bar.clear();
      this.#moving.delete(bar);
    }
  }

  /** Shows how far a transfer of many files is until that is stopped, where there is a terminal. */
  showFiles(total: Readonly<Amount>): FilesProgress | undefined {
    if (!this.animated) return undefined;
    const progress = new FilesProgress(this.stderr, total, () => this.#moving.delete(progress));
    this.#moving.add(progress);
    return progress;
  }

  /** Removes what moves from the terminal: a line that is printed beside it would vanish with it. */
  #clearMoving(): void {
    for (const moving of this.#moving) moving.clear();
  }

  /** A remark about something odd that did not make the command fail. Silent under `-q`. */
  warn(message: string): void {
    this.#clearMoving();
    if (this.#settings.verbosity !== 'quiet')
      this.stderr.write(`${this.programName}: warning: ${printable(message)}\n`);
  }

  /** A remark that closes a report, on stderr so that it does not end up among the results. Silent under `-q`. */
  note(message: string): void {
    this.#clearMoving();
    if (this.#settings.verbosity !== 'quiet' && !this.json) this.stderr.write(`${message}\n`);
  }

  /** A remark for `-v`. */
  detail(message: string): void {
    if (!this.verbose) return;
    this.#clearMoving();
    this.stderr.write(`${message}\n`);
  }

  /** The one line that says why a command failed. */
  failure({ code, message, file }: Failure): void {
    this.#clearMoving();
    const error = { code, message, ...(file !== undefined && { file }) };
    this.stderr.write(
      this.json ? `${jsonLine({ error })}\n` : `${this.programName}: ${printable(message)}\n`,
    );
  }
}
