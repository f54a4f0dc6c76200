import type { BytePath } from '../byte-path.js';
import type { QueryDatabase } from '../database/query-database.js';
import { entriesBelow } from './entries-below.js';
import { type EntryForm, type FoundEntry, PATHS, WHOLE } from './entry-forms.js';
import { search } from './search.js';
import type { Criteria } from './search-criteria.js';

/** What to look for; everything without a criterion. */
export interface FindOptions extends Criteria {
  /** Where to look; without it in every tree. */
  readonly path?: BytePath;
}

/**
 * Finds files and directories in the catalog as find(1) does on the disk, many at a time. Without a criterion, or for
 * directories alone, they come in the order of a walk: directories before what is in them, files in the order of names.
 * With one, in no particular order. Throws {@link InvalidPatternError}.
 */
export function find(database: QueryDatabase, options: FindOptions): AsyncGenerator<readonly FoundEntry[]> {
  return found(database, options, WHOLE);
}

/** As {@link find}, the paths alone, in a third of the time. */
export function findPaths(
  database: QueryDatabase,
  options: FindOptions,
): AsyncGenerator<readonly BytePath[]> {
  return found(database, options, PATHS);
}

function found<Item>(
  database: QueryDatabase,
  { path, ...criteria }: FindOptions,
  form: EntryForm<Item>,
): AsyncGenerator<readonly Item[]> {
  const { types, ...others } = criteria;
  const isListing = Object.values(others).every((criterion) => criterion === undefined);
  const onlyDirectories = types?.every((type) => type === 'directory') ?? false;
  if (!isListing || (types && !onlyDirectories)) return search(database, { criteria, path }, form);
  const which = { files: !types, directories: true };
  return entriesBelow(database, { ...(path !== undefined && { path }), ...which }, form);
}
