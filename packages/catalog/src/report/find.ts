import { type BytePath, splitPath } from '../byte-path.js';
import { compileExclusion, isExcluded } from '../crawl/exclude.js';
import type { QueryDatabase } from '../database/query-database.js';
import { type EntryType, entryType, isDirectory } from '../entry.js';
import { type Conditions, entriesBelow, type FoundEntry } from './entries-below.js';

/** What to look for; everything without a filter. */
export interface FindOptions extends Conditions {
  readonly path?: BytePath;
  /** Globs as for exclusions: what one of them matches is found. */
  readonly patterns?: readonly string[];
  readonly types?: readonly EntryType[];
}

/**
 * Finds files and directories in the catalog as find(1) does on the disk. Directories come before what is in them;
 * there is no other order. Throws {@link InvalidPatternError}.
 */
export async function* find(
  database: QueryDatabase,
  { path, patterns, types, ...conditions }: FindOptions,
): AsyncGenerator<FoundEntry> {
  const globs = patterns?.map(compileExclusion);
  const wanted = types && new Set(types);
  const root = path ?? ('/' as BytePath);
  const accepts = (at: BytePath, mode: number) => {
    if (wanted && !wanted.has(entryType(mode))) return false;
    const { parent, name } = splitPath(at) ?? { parent: root, name: '/' };
    return !globs || isExcluded(globs, { root, directory: parent, name, isDirectory: isDirectory(mode) });
  };
  yield* entriesBelow(database, {
    ...(path !== undefined && { path }),
    files: !wanted || [...wanted].some((type) => type !== 'directory'),
    directories: !wanted || wanted.has('directory'),
    accepts,
    conditions,
  });
}
