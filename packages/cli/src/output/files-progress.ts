import type { Amount } from '../migrate/source.js';
import { formatSize } from './format.js';
import { formatCount, formatDuration } from './format-count.js';

/** The line is drawn this often, in milliseconds. */
const INTERVAL = 200;

/** Shows on one line of a terminal how far a transfer of many files is. */
export class FilesProgress {
  readonly #done: Amount = { files: 0, bytes: 0 };
  readonly #started = performance.now();
  readonly #timer: NodeJS.Timeout;

  constructor(
    private readonly stream: NodeJS.WritableStream,
    /** What is to be done; it may still be growing. */
    private readonly total: Amount,
  ) {
    this.#timer = setInterval(() => this.#draw(), INTERVAL).unref();
  }

  /** One more file is done with, or so many with so many bytes in all; less than none where bytes are moved again. */
  add(bytes: number, files = 1): void {
    this.#done.files += files;
    this.#done.bytes += bytes;
  }

  /** Removes the line, so that something else can be printed. */
  clear(): void {
    this.stream.write('\r\u001b[K');
  }

  stop(): void {
    clearInterval(this.#timer);
    this.clear();
  }

  #draw(): void {
    const elapsed = performance.now() - this.#started;
    const { files, bytes } = this.#done;
    const share = shareOf(this.#done, this.total);
    const left = share > 0 ? formatDuration((elapsed / share) * (1 - share)) : '?';
    const rate = formatSize((bytes * 1000) / elapsed);
    this.stream.write(
      `\r\u001b[K${formatCount(files)}/${formatCount(this.total.files)} files  ` +
        `${formatSize(bytes)}/${formatSize(this.total.bytes)}  ${rate}/s  ${left} left`,
    );
  }
}

/** Part of the work that is done. Where the sizes are not known before, files count alike. */
export function shareOf(done: Amount, total: Amount): number {
  if (total.files === 0) return 0;
  const cost = ({ files, bytes }: Amount) => files * BYTES_PER_FILE + (total.bytes > 0 ? bytes : 0);
  return Math.min(1, cost(done) / cost(total));
}

/** A small file takes about as long as this many bytes of a large one. */
const BYTES_PER_FILE = 64 * 1024;
