import type { FileStat } from '@filetracker/client';
import type { FileName } from '@filetracker/protocol';
import { compareNames } from './name-order.js';
import type { SourceFile } from './source.js';
import type { ExistingFile } from './target.js';

/** A name of the source, the target, or both. */
export interface Pair {
  readonly source: SourceFile | undefined;
  readonly existing: ExistingFile | undefined;
}

/** Walks two sides that have the same order and yields every name once, some at a time. */
export async function* pairsOf(
  files: AsyncIterable<readonly SourceFile[]>,
  existing: AsyncIterable<readonly ExistingFile[]>,
): AsyncGenerator<readonly Pair[]> {
  const sources = new Side(files);
  const targets = new Side(existing);
  try {
    await Promise.all([sources.fill(), targets.fill()]);
    while (sources.current || targets.current) {
      const pairs: Pair[] = [];
      // As long as both sides have something at hand, nothing need be waited for.
      while (sources.isReady && targets.isReady && (sources.current || targets.current)) {
        pairs.push(nextPair(sources, targets));
      }
      yield pairs;
      await Promise.all([sources.fill(), targets.fill()]);
    }
  } finally {
    await Promise.all([sources.close(), targets.close()]);
  }
}

/** Pairs for a target that is not listed: it has none of these files, but perhaps those that are doubtful. */
export async function* pairsAlone(
  files: AsyncIterable<readonly SourceFile[]>,
  stat: (name: FileName) => Promise<FileStat | undefined>,
): AsyncGenerator<readonly Pair[]> {
  for await (const group of files) {
    yield group.map((source) => {
      const { name, isDoubtful } = source;
      return { source, existing: isDoubtful ? { name, stat: () => stat(name) } : undefined };
    });
  }
}

function nextPair(sources: Side<SourceFile>, targets: Side<ExistingFile>): Pair {
  const [source, existing] = [sources.current, targets.current];
  const order = !source ? 1 : !existing ? -1 : compareNames(source.name, existing.name);
  if (order <= 0) sources.advance();
  if (order >= 0) targets.advance();
  return { source: order <= 0 ? source : undefined, existing: order >= 0 ? existing : undefined };
}

/** One of the two sides, with what it has at hand. */
class Side<T> {
  readonly #groups: AsyncIterator<readonly T[]>;
  #group: readonly T[] = [];
  #index = 0;
  #hasEnded = false;

  constructor(groups: AsyncIterable<readonly T[]>) {
    this.#groups = groups[Symbol.asyncIterator]();
  }

  /** The next item; undefined at the end, and where {@link fill} must be waited for. */
  get current(): T | undefined {
    return this.#group[this.#index];
  }

  /** Whether `current` is the next item, or there is none. */
  get isReady(): boolean {
    return this.#hasEnded || this.#index < this.#group.length;
  }

  advance(): void {
    this.#index++;
  }

  async fill(): Promise<void> {
    while (!this.isReady) {
      const next = await this.#groups.next();
      this.#hasEnded = next.done === true;
      this.#group = next.done ? [] : next.value;
      this.#index = 0;
    }
  }

  async close(): Promise<void> {
    await this.#groups.return?.();
  }
}
