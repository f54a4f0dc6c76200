import type { Output } from './output.js';

/** How often a line on a terminal is drawn again, and how often a log gets a new one. In milliseconds. */
const DRAW_EVERY = 200;
const LOG_EVERY = 10_000;

/** How progress is shown: a line that moves, one now and then, or not at all. */
type ProgressStyle = 'moving' | 'lines' | 'silent';

/** Shows how far a long work is: one line that moves on a terminal, a line every ten seconds elsewhere. */
export class ProgressLine {
  readonly #started: number;
  #shown: number;

  constructor(
    private readonly stream: Pick<NodeJS.WritableStream, 'write'> & { readonly columns?: number },
    private readonly style: ProgressStyle,
    private readonly clock: () => number = () => performance.now(),
  ) {
    this.#started = clock();
    this.#shown = this.#started;
  }

  /**
   * A new line, if it is time for one; `describe` makes it from the milliseconds that the work has taken. The last line
   * for a while comes at once, unless the work has only just begun and may be over before anybody can read.
   */
  update(describe: (elapsed: number) => string, { isLast = false } = {}): void {
    if (this.style === 'silent') return;
    const now = this.clock();
    const before = isLast ? this.#started : this.#shown;
    if (now - before < (this.style === 'moving' ? DRAW_EVERY : LOG_EVERY)) return;
    this.#shown = now;
    const text = describe(now - this.#started);
    this.stream.write(
      this.style === 'moving' ? `\r${this.#fitting(text)}\u001b[K` : `filetracker: ${text}\n`,
    );
  }

  /** Calls {@link update} by itself until what it returns is called: for work that does not tell how far it is. */
  follow(describe: (elapsed: number) => string): () => void {
    if (this.style === 'silent') return () => {};
    const timer = setInterval(() => this.update(describe), DRAW_EVERY).unref();
    return () => {
      clearInterval(timer);
      this.clear();
    };
  }

  /** What a terminal shows on one line: a longer one goes on below, and would move down each time it is drawn. */
  #fitting(text: string): string {
    const { columns } = this.stream;
    // Some terminals have no width of their own, which is told as 0.
    return columns ? text.slice(0, columns - 1) : text;
  }

  /** Takes the moving line away, in the end or so that something else can be printed. */
  clear(): void {
    if (this.style === 'moving') this.stream.write('\r\u001b[K');
  }
}

/** The style that flags and terminal of a command ask for. */
export function progressStyle(output: Output): ProgressStyle {
  if (output.animated) return 'moving';
  return output.json || output.quiet ? 'silent' : 'lines';
}
