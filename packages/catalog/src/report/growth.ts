import { type BytePath, splitPath } from '../byte-path.js';
import type { QueryDatabase } from '../database/query-database.js';
import { readSizeChanges, type SizeChange } from '../database/size-changes.js';
import { FirstItems } from './first-items.js';
import { type Span, spanFilter } from './span.js';

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

/** A place where a change takes bytes and files away or adds them. */
export interface Effect {
  readonly path: BytePath;
  readonly bytes: number;
  readonly files: number;
  /** 0 where it only shows under which of its names a file is counted. */
  readonly changes: 0 | 1;
  /** What of the bytes only came from another name of the same file, or went to one. */
  readonly moved: number;
}

/** What a change of a file does to the sums of directories: a rename leaves one place and arrives at another. */
export function effectsOf({ kind, path, previousPath, before, after, moved }: SizeChange): Effect[] {
  const [was, is] = [before?.counted ?? 0, after?.counted ?? 0];
  if (kind === 'renamed' && previousPath !== null) {
    return [
      { path: previousPath, bytes: -was, files: -1, changes: 1, moved: Math.min(moved, 0) },
      { path, bytes: is, files: 1, changes: 1, moved: Math.max(moved, 0) },
    ];
  }
  if (kind === 'recounted') return [{ path, bytes: is - was, files: 0, changes: 0, moved: is - was }];
  const files = kind === 'new' ? 1 : kind === 'removed' ? -1 : 0;
  return [{ path, bytes: is - was, files, changes: 1, moved }];
}

/** A sum that is still added to. */
type Sum = { -readonly [Field in keyof Growth]: Growth[Field] };

/** Collects effects by file or directory. Memory grows with the number of different paths that changed. */
export class GrowthSums {
  readonly #sums = new Map<BytePath, Sum>();

  /** Tells whether it is the first at this path. */
  add(path: BytePath, { bytes, files, changes }: Omit<Growth, 'path'>): boolean {
    const sum = this.#sums.get(path);
    if (sum) {
      sum.bytes += bytes;
      sum.files += files;
      sum.changes += changes;
    } else {
      this.#sums.set(path, { path, bytes, files, changes });
    }
    return sum === undefined;
  }

  /** Sums per directory, those of all below included, up to and including `top`. */
  carriedUp(isAbove: (path: BytePath) => boolean): GrowthSums {
    const total = new GrowthSums();
    const byLength: BytePath[][] = [];
    const add = (path: BytePath, sum: Growth) => {
      if (total.add(path, sum)) (byLength[path.length] ??= []).push(path);
    };
    for (const [path, sum] of this.#sums) if (!isAbove(path)) add(path, sum);
    // A parent's path is shorter than those below it: when its turn comes, they have all been added to it.
    for (let length = byLength.length - 1; length > 0; length--) {
      for (const path of byLength[length] ?? []) {
        const parent = splitPath(path)?.parent;
        const sum = total.#sums.get(path);
        if (parent !== undefined && sum && !isAbove(parent)) add(parent, sum);
      }
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
    for (const [path, { bytes, files, changes }] of this.#sums) {
      const parent = splitPath(path)?.parent;
      const above = parent && this.#sums.get(parent);
      if (above?.bytes === bytes && above.files === files && above.changes === changes)
        echoes.push(above.path);
    }
    for (const path of echoes) this.#sums.delete(path);
    return this;
  }

  /** The first ones by a figure, the greatest first; those where it is not above 0 are left out. */
  first(limit: number, figure: (growth: Growth) => number): Growth[] {
    const greatestFirst = (a: Growth, b: Growth) => figure(b) - figure(a) || (a.path < b.path ? -1 : 1);
    const first = new FirstItems(limit, greatestFirst);
    for (const sum of this.#sums.values()) if (figure(sum) > 0) first.add(sum);
    return first.sorted();
  }
}

/** What {@link topGrowth} looks at. */
export interface TopGrowthOptions extends Omit<Span, 'upTo'>, Partial<Pick<Span, 'upTo'>> {
  /** Only what lies below this directory. */
  readonly path?: BytePath;
  readonly of: 'directories' | 'files';
  /** By bytes, or by the number of files. */
  readonly by: 'size' | 'count';
  readonly limit: number;
}

/**
 * The directories (with all below them) or files that grew most in a span. Lengths of files count, under one
 * of several names, as in the totals of directories. Time is proportional to the changes.
 */
export async function topGrowth(
  database: QueryDatabase,
  { path, after, upTo, of, by, limit, ...scans }: TopGrowthOptions,
): Promise<Growth[]> {
  const sums = new GrowthSums();
  const range = {
    after,
    order: 'oldestFirst',
    ...(path && { path }),
    ...(upTo !== undefined && { upTo }),
  } as const;
  const inside = withinFilter(path);
  const isInSpan = await spanFilter(database, scans);
  for await (const changes of readSizeChanges(database, range)) {
    for (const effect of changes.filter(isInSpan).flatMap(effectsOf)) {
      if (!inside(effect.path)) continue;
      sums.add(of === 'files' ? effect.path : (splitPath(effect.path)?.parent ?? effect.path), effect);
    }
  }
  const total = of === 'files' ? sums : sums.carriedUp((at) => !inside(at)).dropEchoes();
  return total.first(limit, by === 'size' ? ({ bytes }) => bytes : ({ files }) => files);
}

/** Whether paths lie in a directory; without one, all do. */
export function withinFilter(directory: BytePath | undefined): (path: BytePath) => boolean {
  if (directory === undefined || directory === '/') return () => true;
  const below = `${directory}/`;
  return (path) => path === directory || path.startsWith(below);
}
