import type { Amount } from '../migrate/source.js';
import { formatSize } from './format.js';
import { formatCount, formatDuration } from './format-count.js';

/** The line is drawn this often, in milliseconds. */
const INTERVAL = 200;

/** Shows on one line of a terminal how far a transfer of many files is. */
export class FilesProgress {
  readonly #done: Amount = { files: 0, bytes: 0 };
  #failed = 0;
  readonly #started = performance.now();
  readonly #timer: NodeJS.Timeout;

  constructor(
    private readonly stream: NodeJS.WritableStream,
    /** What is to be done; it may still be growing. The bytes are 0 where nobody knows. */
    private readonly total: Readonly<Amount>,
    private readonly onStopped: () => void,
  ) {
    this.#timer = setInterval(() => this.#draw(), INTERVAL).unref();
  }

  /** One more file is done with, or so many with so many bytes in all; less than none where bytes are moved again. */
  add(bytes: number, files = 1): void {
    this.#done.files += files;
    this.#done.bytes += bytes;
  }

  /** One more file is not done with, and will not be. */
  fail(): void {
    this.#failed++;
  }

  /** Removes the line, so that something else can be printed. */
  clear(): void {
    this.stream.write('\r\u001b[K');
  }

  stop(): void {
    clearInterval(this.#timer);
    this.clear();
    this.onStopped();
  }

  #draw(): void {
    const elapsed = performance.now() - this.#started;
    const { files, bytes } = this.#done;
    const total = { ...this.total, files: this.total.files - this.#failed };
    const share = shareOf(this.#done, total);
    const left = share > 0 ? formatDuration((elapsed / share) * (1 - share)) : '?';
    const rate = formatSize((bytes * 1000) / elapsed);
    this.stream.write(
      `\r\u001b[K${formatCount(files + this.#failed)}/${formatCount(this.total.files)} files  ` +
        `${formatSize(bytes)}${this.total.bytes > 0 ? `/${formatSize(this.total.bytes)}` : ''}  ${rate}/s  ${left} left`,
    );
  }
}

/** Part of the work that is done. Where the sizes are not known before, files count alike. */
export function shareOf(done: Amount, total: Readonly<Amount>): number {
  if (total.files === 0) return 0;
  const cost = ({ files, bytes }: Amount) => files * BYTES_PER_FILE + (total.bytes > 0 ? bytes : 0);
  return Math.min(1, cost(done) / cost(total));
}

/** A small file takes about as long as this many bytes of a large one. */
const BYTES_PER_FILE = 64 * 1024;
