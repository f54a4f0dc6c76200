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
  const entries = entriesBelow(database, {
    ...(path !== undefined && { path }),
    files: !wanted || [...wanted].some((type) => type !== 'directory'),
    directories: !wanted || wanted.has('directory'),
    conditions,
  });
  const root = path ?? ('/' as BytePath);
  for await (const entry of entries) {
    if (wanted && !wanted.has(entryType(entry.mode))) continue;
    const { parent, name } = splitPath(entry.path) ?? { parent: root, name: '/' };
    const candidate = { root, directory: parent, name, isDirectory: isDirectory(entry.mode) };
    if (!globs || isExcluded(globs, candidate)) yield entry;
  }
}
