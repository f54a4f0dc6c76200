import { type BytePath, isWithin, splitPath } from '../byte-path.js';
import { FirstItems } from './first-items.js';

/** A directory or file and how it changed. */
export interface Growth {
  readonly path: BytePath;
  /** Bytes more than before; negative where it shrank. */
  readonly bytes: number;
  /** Files more than before. */
  readonly files: number;
  /** Changes of files in it or below. */
  readonly changes: number;
}

const ROOT = '/' as BytePath;

/** A sum that is still added to. */
type Sum = { -readonly [Field in keyof Growth]: Growth[Field] } & {
  /** That of the directory that holds it, when it has been carried up there. */
  above: Sum | undefined;
};

/** Adds growth up by file or directory. Memory grows with the number of different paths that changed. */
export class GrowthSums {
  readonly #sums = new Map<BytePath, Sum>();
  #last: Sum | undefined;

  add(path: BytePath, growth: Omit<Growth, 'path'>): void {
    this.#add(path, growth);
  }

  /** Sums per directory, those of all below included, up to and including `top`. */
  carriedUp(top: BytePath = ROOT): GrowthSums {
    const total = new GrowthSums();
    const byLength: Sum[][] = [];
    const add = (path: BytePath, growth: Growth) => {
      const known = total.#sums.size;
      const sum = total.#add(path, growth);
      if (total.#sums.size > known) (byLength[path.length] ??= []).push(sum);
      return sum;
    };
    for (const [path, sum] of this.#sums) if (isWithin(path, top)) add(path, sum);
    // A parent's path is shorter than those below it: when its turn comes, they have all been added to it.
    for (let length = byLength.length - 1; length > top.length; length--) {
      for (const sum of byLength[length] ?? []) sum.above = add(splitPath(sum.path)?.parent ?? top, sum);
    }
    return total;
  }

  /** The sums of `top` and of the directories directly in it, those of all below included. */
  carriedTo(top: BytePath): GrowthSums {
    const total = new GrowthSums();
    for (const [path, sum] of this.#sums) {
      if (!isWithin(path, top)) continue;
      total.add(top, sum);
      const end = path.indexOf('/', top === ROOT ? 1 : top.length + 1);
      if (path !== top) total.add((end < 0 ? path : path.slice(0, end)) as BytePath, sum);
    }
    return total;
  }

  /** The sum of one path; undefined when nothing changed there. */
  at(path: BytePath): Growth | undefined {
    return this.#sums.get(path);
  }

  /** Takes out directories whose only change is that of one directory in them. */
  dropEchoes(): this {
    const echoes: BytePath[] = [];
    for (const { above, bytes, files, changes } of this.#sums.values()) {
      if (above?.bytes === bytes && above.files === files && above.changes === changes)
        echoes.push(above.path);
    }
    for (const path of echoes) this.#sums.delete(path);
    this.#last = undefined;
    return this;
  }

  /** The first ones by a figure, the greatest first; those where it is not above 0 are left out. */
  first(limit: number, figure: (growth: Growth) => number): Growth[] {
    const greatestFirst = (a: Growth, b: Growth) => figure(b) - figure(a) || (a.path < b.path ? -1 : 1);
    const first = new FirstItems(limit, greatestFirst);
    for (const sum of this.#sums.values()) if (figure(sum) > 0) first.add(sum);
    return first.sorted().map(({ path, bytes, files, changes }) => ({ path, bytes, files, changes }));
  }

  #add(path: BytePath, { bytes, files, changes }: Omit<Growth, 'path'>): Sum {
    // Most come after others of their directory.
    let sum = this.#last?.path === path ? this.#last : this.#sums.get(path);
    if (sum) {
      sum.bytes += bytes;
      sum.files += files;
      sum.changes += changes;
    } else {
      sum = { path, bytes, files, changes, above: undefined };
      this.#sums.set(path, sum);
    }
    this.#last = sum;
    return sum;
  }
}
