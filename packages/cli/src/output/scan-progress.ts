import type { ScanProgress } from '@filetracker/catalog';
import { formatCount, formatDuration, formatThings } from './format-count.js';

/** How often a line on a terminal is drawn again, and how often a log gets a new one. In milliseconds. */
const DRAW_EVERY = 200;
const LOG_EVERY = 10_000;

/** Shows how far a scan is: one line that moves on a terminal, a line every ten seconds elsewhere. */
export class ScanProgressLine {
  readonly #started = Date.now();
  #shown = this.#started;

  constructor(
    private readonly stream: NodeJS.WritableStream,
    private readonly style: 'moving' | 'lines' | 'silent',
  ) {}

  update(progress: ScanProgress): void {
    if (this.style === 'silent') return;
    const now = Date.now();
    if (now - this.#shown < (this.style === 'moving' ? DRAW_EVERY : LOG_EVERY)) return;
    this.#shown = now;
    const text = describe(progress, now - this.#started);
    this.stream.write(this.style === 'moving' ? `\r${text}\u001b[K` : `filetracker: ${text}\n`);
  }

  /** Takes the moving line away. */
  stop(): void {
    if (this.style === 'moving') this.stream.write('\r\u001b[K');
  }
}

function describe({ files, directories, errors, expectedFiles }: ScanProgress, elapsed: number): string {
  const parts = [
    `${formatThings(files, 'file')} in ${formatThings(directories, 'directory', 'directories')}`,
    `${formatCount((files / elapsed) * 1000)} files/s`,
  ];
  if (errors > 0) parts.push(formatThings(errors, 'error'));
  if (expectedFiles !== undefined && expectedFiles > files && files > 0) {
    parts.push(`about ${formatDuration((elapsed * (expectedFiles - files)) / files)} left`);
  }
  return parts.join(', ');
}
