import { createRequire } from 'node:module';
import type { Progress } from '@filetracker/client';
import type * as CliProgress from 'cli-progress';
import { formatSize } from './format.js';

/** A transfer shorter than this shows no bar. In milliseconds. */
const DELAY = 500;

/** Shows how far one transfer is, on a line of its own that vanishes in the end. */
export class ProgressBar {
  #bar: CliProgress.SingleBar | undefined;
  readonly #started = performance.now();

  constructor(
    private readonly stream: NodeJS.WritableStream,
    private readonly label: string,
  ) {}

  update({ done, total }: Progress): void {
    if (!this.#bar && (performance.now() - this.#started < DELAY || total === 0)) return;
    this.#bar ??= this.#start(total);
    const seconds = (performance.now() - this.#started) / 1000;
    this.#bar.update(done, { done: formatSize(done), rate: formatSize(done / seconds) });
  }

  /** Removes the bar, so that something else can be printed; the next update draws it again. */
  clear(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }

  #start(total: number): CliProgress.SingleBar {
    // Loaded with the first bar: its twenty files are a tenth of the start of every command.
    const { SingleBar } = createRequire(import.meta.url)('cli-progress') as typeof CliProgress;
    const bar = new SingleBar({
      format: `${this.label} [{bar}] {percentage}% {done}/{size} {rate}/s, {eta_formatted} left`,
      stream: this.stream,
      clearOnComplete: true,
      hideCursor: true,
      barsize: 24,
      // The bar must not hold the process up or catch its signals.
      noTTYOutput: false,
      gracefulExit: false,
    });
    bar.start(total, 0, { done: '0 B', size: formatSize(total), rate: '0 B' });
    return bar;
  }
}
