import { type BytePath, childPath, isWithin, type SplitPath, splitPath } from '../byte-path.js';
import type { ChangeRange } from '../database/change-range.js';
import type { QueryDatabase } from '../database/query-database.js';
import { readSizeChanges, type SizeChange } from '../database/size-changes.js';
import { type Growth, GrowthSums } from './growth-sums.js';
import { type Span, spanFilter } from './span.js';

/** A place where a change takes bytes and files away or adds them. */
export interface Effect {
  readonly path: SplitPath;
  readonly bytes: number;
  readonly files: number;
  /** 0 where it only shows under which of its names a file is counted. */
  readonly changes: 0 | 1;
}

/** What a change of a file does to the sums of directories: a rename leaves one place and arrives at another. */
export function effectsOf({ kind, path, previousPath, was, is }: SizeChange): readonly Effect[] {
  if (previousPath) {
    return [
      { path: previousPath, bytes: -(was ?? 0), files: -1, changes: 1 },
      { path, bytes: is ?? 0, files: 1, changes: 1 },
    ];
  }
  const files = kind === 'new' ? 1 : kind === 'removed' ? -1 : 0;
  return [{ path, bytes: (is ?? 0) - (was ?? 0), files, changes: kind === 'recounted' ? 0 : 1 }];
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
  const range = { after, ...(path && { path }), ...(upTo !== undefined && { upTo }) };
  const sums = await readGrowth(database, { range, scans, of });
  const total = of === 'files' ? sums : sums.carriedUp(path).dropEchoes();
  return total.first(limit, by === 'size' ? ({ bytes }) => bytes : ({ files }) => files);
}

/** What {@link readGrowth} adds up. */
interface AddedUp extends Pick<TopGrowthOptions, 'of'> {
  readonly range: ChangeRange;
  readonly scans: Pick<Span, 'afterScan' | 'upToScan'>;
}

/** Adds up what the changes of a span did to files, or to the directories that they are directly in. */
export async function readGrowth(
  database: QueryDatabase,
  { range, scans, of }: AddedUp,
): Promise<GrowthSums> {
  const sums = new GrowthSums();
  const isInside = withinFilter(range.path);
  const isInSpan = await spanFilter(database, scans);
  for await (const changes of readSizeChanges(database, { ...range, order: 'oldestFirst' })) {
    for (const change of changes) {
      if (!isInSpan(change)) continue;
      for (const effect of effectsOf(change)) {
        const { parent, name } = effect.path;
        if (isInside(effect.path)) sums.add(of === 'files' ? childPath(parent, name) : parent, effect);
      }
    }
  }
  return sums;
}

/** Whether files lie in a directory, or are what is there; without one, all do. */
export function withinFilter(directory: BytePath | undefined): (file: SplitPath) => boolean {
  if (directory === undefined || directory === '/') return () => true;
  const own = splitPath(directory);
  let last: BytePath | undefined;
  let isLastWithin = false;
  return ({ parent, name }) => {
    // Most come with others of their directory.
    if (parent !== last) isLastWithin = isWithin(parent, directory);
    last = parent;
    return isLastWithin || (name === own?.name && parent === own.parent);
  };
}
