import { type BytePath, isWithinAny } from '../byte-path.js';

/** When a place that changed is looked at, in milliseconds. */
interface QueueTimes {
  /** After it has been quiet for so long. */
  readonly settle: number;
  /** At the latest so long after the first change. */
  readonly maxDelay: number;
}

/** Places that are due together. */
export interface DirtyPlaces {
  /** Directories whose direct entries are to be read. */
  readonly entries: readonly BytePath[];
  /** Directories that are to be read with all below them. */
  readonly trees: readonly BytePath[];
}

interface Waiting {
  readonly first: number;
  last: number;
  isTree: boolean;
  /** Places that are due with this one, so that one batch sees what happened to both. */
  partners: Set<BytePath> | undefined;
}

/** Where something may have changed: each place once, however often it is named, until it has settled. */
export class DirtyQueue {
  readonly #waiting = new Map<BytePath, Waiting>();

  constructor(private readonly times: QueueTimes) {}

  /** Places that wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Something in a directory changed at a time (of a clock that does not jump, in milliseconds). */
  addEntries(path: BytePath, now: number): void {
    this.#touch(path, now);
  }

  /** A directory appeared: all of it is to be read. */
  addTree(path: BytePath, now: number): void {
    this.#touch(path, now).isTree = true;
  }

  /** What happened to two places belongs together. */
  link(one: BytePath, other: BytePath, now: number): void {
    (this.#touch(one, now).partners ??= new Set()).add(other);
    (this.#touch(other, now).partners ??= new Set()).add(one);
  }

  /** When the next place is due; undefined while none waits. */
  nextDue(): number | undefined {
    let next: number | undefined;
    for (const waiting of this.#waiting.values()) {
      const due = this.#due(waiting);
      if (next === undefined || due < next) next = due;
    }
    return next;
  }

  /** Takes out what is due by a time; with `all` what waits. */
  take(now: number, { all = false }: { readonly all?: boolean } = {}): DirtyPlaces {
    const due: BytePath[] = [];
    for (const [path, waiting] of this.#waiting) if (all || this.#due(waiting) <= now) due.push(path);
    return this.takeWith(due);
  }

  /** Takes out some places, whether they wait or not, with those that are linked with them. */
  takeWith(paths: Iterable<BytePath>): DirtyPlaces {
    const chosen = new Set<BytePath>();
    const stack = [...paths];
    for (let path = stack.pop(); path !== undefined; path = stack.pop()) {
      if (chosen.has(path)) continue;
      chosen.add(path);
      stack.push(...(this.#waiting.get(path)?.partners ?? []));
    }
    const trees: BytePath[] = [];
    const entries: BytePath[] = [];
    for (const path of chosen) {
      (this.#waiting.get(path)?.isTree ? trees : entries).push(path);
      this.#waiting.delete(path);
    }
    return { entries, trees };
  }

  /** Puts back what was taken, to be due at once. */
  putBack({ entries, trees }: DirtyPlaces, now: number): void {
    for (const path of entries) this.#touch(path, now - this.times.maxDelay);
    for (const path of trees) this.#touch(path, now - this.times.maxDelay).isTree = true;
  }

  clear(): void {
    this.#waiting.clear();
  }

  #due({ first, last }: Waiting): number {
    return Math.min(last + this.times.settle, first + this.times.maxDelay);
  }

  #touch(path: BytePath, now: number): Waiting {
    const known = this.#waiting.get(path);
    if (known && known.first <= now) {
      known.last = Math.max(known.last, now);
      return known;
    }
    const waiting = { first: now, last: now, isTree: known?.isTree ?? false, partners: known?.partners };
    this.#waiting.set(path, waiting);
    return waiting;
  }
}

/** Of some directories those that lie in no other one of them. */
export function outermost(paths: Iterable<BytePath>): Set<BytePath> {
  const kept = new Set<BytePath>();
  for (const path of [...paths].sort((a, b) => a.length - b.length))
    if (!isWithinAny(path, kept)) kept.add(path);
  return kept;
}
