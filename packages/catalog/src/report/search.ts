import { sql } from 'kysely';
import { type BytePath, childPath, nameFromBytes, splitPath } from '../byte-path.js';
import { compileExclusion, isExcluded } from '../crawl/exclude.js';
import { DETAILS } from '../database/file-groups.js';
import type { QueryDatabase } from '../database/query-database.js';
import type { EntryForm } from './entry-forms.js';
import { type Criteria, criteriaConditions } from './search-criteria.js';
import { SearchPlace } from './search-place.js';

/** What to look for, and below which directory. */
interface Question {
  readonly criteria: Criteria;
  readonly path: BytePath | undefined;
}

/**
 * The entries that meet criteria, in one pass of the database over its tables, many at a time: directories first, then
 * files, each as they lie in the tables. A walk through the directories, which gives an order, takes many times as
 * long. Throws {@link InvalidPatternError}.
 */
export async function* search<Item>(
  database: QueryDatabase,
  { criteria, path }: Question,
  form: EntryForm<Item>,
): AsyncGenerator<readonly Item[]> {
  const isNamed = nameFilter(criteria, path);
  const place = await SearchPlace.find(database, path);
  if (!place) return;
  const { types } = criteria;
  if (!types || types.includes('directory')) yield* directories(database, { criteria, place, isNamed }, form);
  if (!types || types.some((type) => type !== 'directory'))
    yield* files(database, { criteria, place, isNamed }, form);
}

/** What a table is searched for. */
interface Search {
  readonly criteria: Criteria;
  readonly place: SearchPlace;
  readonly isNamed: NameFilter;
}

async function* directories<Item>(
  database: QueryDatabase,
  { criteria, place, isNamed }: Search,
  form: EntryForm<Item>,
): AsyncGenerator<readonly Item[]> {
  let query = database.tables
    .selectFrom('directories')
    .select('id')
    .where(criteriaConditions(database, 'directories', criteria));
  if (place.within) query = query.where('id', 'in', place.within);
  for await (const rows of database.stream(query.orderBy('id'), { readsAll: true })) {
    const ids = rows.map(({ id }) => id);
    const paths = await place.pathsOf(ids);
    const places = ids.flatMap((id) => {
      const path = paths.get(id)?.path;
      if (path === undefined) return [];
      const { parent, name } = splitPath(path) ?? { parent: path, name: '' };
      return isNamed({ directory: parent, name, isDirectory: true }) ? [{ id, path }] : [];
    });
    if (places.length > 0) yield await form.directories(database, places);
  }
}

async function* files<Item>(
  database: QueryDatabase,
  { criteria, place, isNamed }: Search,
  form: EntryForm<Item>,
): AsyncGenerator<readonly Item[]> {
  const line = form.field === 'details' ? database.line('files', DETAILS) : sql<string>`''`;
  let query = database.tables
    .selectFrom('files')
    .select(['directory_id', 'files.name', line.as('line')])
    .where(criteriaConditions(database, 'files', criteria));
  const homes = homesOf(database, criteria, place);
  if (homes) query = query.where('directory_id', 'in', homes);
  for await (const rows of database.stream(query, { readsAll: true })) {
    const paths = await place.pathsOf(new Set(rows.map(({ directory_id }) => directory_id)));
    const items: Item[] = [];
    for (const row of rows) {
      const home = paths.get(row.directory_id);
      if (!home) continue;
      const name = nameFromBytes(row.name);
      if (!isNamed({ directory: home.path, name, isDirectory: false })) continue;
      items.push(form.file(childPath(home.path, name), row.line, home.device));
    }
    if (items.length > 0) yield items;
  }
}

/** The directories that may hold what is looked for; undefined where the database must look into all. */
function homesOf({ tables }: QueryDatabase, { minimumSize }: Criteria, { within }: SearchPlace) {
  if (minimumSize === undefined) return within;
  const homes = tables
    .selectFrom('directories')
    .select('id')
    .where('largest_file', '>=', BigInt(minimumSize));
  return within ? homes.where('id', 'in', within) : homes;
}

/** Whether a name is looked for; `name` are bytes. */
type NameFilter = (entry: {
  readonly directory: BytePath;
  readonly name: string;
  readonly isDirectory: boolean;
}) => boolean;

function nameFilter({ patterns }: Criteria, path: BytePath | undefined): NameFilter {
  if (!patterns) return () => true;
  const globs = patterns.map(compileExclusion);
  const root = path ?? ('/' as BytePath);
  return (entry) => isExcluded(globs, { root, ...entry });
}
