import { type BytePath, childPath, nameFromBytes, splitPath } from '../byte-path.js';
import { compileExclusion, isExcluded } from '../crawl/exclude.js';
import type { DirectoryPlaces } from '../database/directory-paths.js';
import { DETAILS } from '../database/file-groups.js';
import type { DirectoryColumn, FilesQuery, QueryDatabase } from '../database/query-database.js';
import type { LineColumns } from '../database/text-lines.js';
import { type RawBuilder, type SqlBool, sql } from '../kysely.js';
import { readFileAt } from './entries-below.js';
import type { EntryForm } from './entry-forms.js';
import { directoriesInBounds } from './search-bounds.js';
import { type Criteria, criteriaConditions } from './search-criteria.js';
import { SearchPlace } from './search-place.js';

/** What to look for, and below which directory or at which file. */
interface Question {
  readonly criteria: Criteria;
  readonly path: BytePath | undefined;
}

/**
 * The entries that meet criteria, many at a time: files first, then directories, each as they lie in the tables. Where
 * the bounds of directories leave few to look into, only those are read, else all in one pass of the database. A walk
 * through the directories, which gives an order, takes many times as long. Throws {@link InvalidPatternError}.
 */
export async function* search<Item>(
  database: QueryDatabase,
  { criteria, path }: Question,
  form: EntryForm<Item>,
): AsyncGenerator<readonly Item[]> {
  const isNamed = nameFilter(criteria, path);
  const place = await SearchPlace.find(database, path);
  if (!place) {
    if (path !== undefined) yield* fileAt(database, { criteria, path, isNamed }, form);
    return;
  }
  const ids = await directoriesInBounds(database, criteria, place);
  const homes = ids && readHomes(database, { criteria, place, ids });
  const pathsOf = (ids: Iterable<bigint>) => homes?.paths ?? place.pathsOf(ids);
  const wanted = { criteria, within: place.within, pathsOf, isNamed, homes };
  const { types } = criteria;
  if (!types || types.some((type) => type !== 'directory')) yield* files(database, wanted, form);
  if (areDirectoriesWanted(criteria)) yield* directories(database, wanted, form);
}

function areDirectoriesWanted({ types }: Criteria): boolean {
  return !types || types.includes('directory');
}

/** The only directories to look into. */
interface Homes {
  readonly ids: readonly bigint[];
  readonly paths: Promise<DirectoryPlaces>;
  /** Those that meet the criteria themselves, but for their names. */
  readonly matching: Promise<readonly bigint[]>;
}

/**
 * What is to be known of the only directories to look into. They are few, and most of them hold something: it is read
 * at once, while the database looks for files. Why that fails is told where it is awaited.
 */
function readHomes(
  database: QueryDatabase,
  {
    criteria,
    place,
    ids,
  }: { readonly criteria: Criteria; readonly place: SearchPlace; readonly ids: readonly bigint[] },
): Homes {
  const paths = place.pathsOf(ids);
  const among = matchingDirectories(database, criteria).select('id').where(database.isAmong('id', ids));
  const matching = areDirectoriesWanted(criteria)
    ? among.execute().then((rows) => rows.map(({ id }) => id))
    : Promise.resolve([]);
  for (const reading of [paths, matching]) reading.catch(() => {});
  return { ids, paths, matching };
}

/** The file at a path, where it meets the criteria. */
async function* fileAt<Item>(
  database: QueryDatabase,
  {
    criteria,
    path,
    isNamed,
  }: { readonly criteria: Criteria; readonly path: BytePath; readonly isNamed: NameFilter },
  form: EntryForm<Item>,
): AsyncGenerator<readonly Item[]> {
  const { parent: directory, name } = splitPath(path) ?? { parent: path, name: '' };
  if (!isNamed({ directory, name, isDirectory: false })) return;
  const isWanted = criteriaConditions(database, 'files', criteria);
  const file = await readFileAt(database, path, { form, isWanted });
  if (file !== undefined) yield [file];
}

/** What a table is searched for. */
interface Search {
  readonly criteria: Criteria;
  readonly within: SearchPlace['within'];
  readonly pathsOf: SearchPlace['pathsOf'];
  readonly isNamed: NameFilter;
  /** The only directories that matter; undefined: all do. */
  readonly homes: Homes | undefined;
}

async function* directories<Item>(
  database: QueryDatabase,
  search: Search,
  form: EntryForm<Item>,
): AsyncGenerator<readonly Item[]> {
  for await (const ids of directoriesMatching(database, search)) {
    const paths = await search.pathsOf(ids);
    const places = ids.flatMap((id) => {
      const path = paths.get(id)?.path;
      if (path === undefined) return [];
      const { parent, name } = splitPath(path) ?? { parent: path, name: '' };
      return search.isNamed({ directory: parent, name, isDirectory: true }) ? [{ id, path }] : [];
    });
    if (places.length > 0) yield await form.directories(database, places);
  }
}

/** The numbers of directories that meet criteria, but for their names. */
async function* directoriesMatching(
  database: QueryDatabase,
  { criteria, within, homes }: Search,
): AsyncGenerator<readonly bigint[]> {
  if (homes) {
    yield await homes.matching;
    return;
  }
  const lines = matchingDirectories(database, criteria).select(sql<string>`cast(id AS text)`.as('line'));
  const queries = partsOf(database, within, 'id').map((part) => lines.where(part));
  for await (const found of database.streamLines(queries)) yield found.map(BigInt);
}

function matchingDirectories(database: QueryDatabase, criteria: Criteria) {
  return database.tables
    .selectFrom('directories')
    .where(criteriaConditions(database, 'directories', criteria))
    .orderBy('id');
}

/** Which file a line is about; what its form reads follows. */
const FILE: LineColumns = { plain: ['directory_id'], bytes: ['name'] };

async function* files<Item>(
  database: QueryDatabase,
  search: Search,
  form: EntryForm<Item>,
): AsyncGenerator<readonly Item[]> {
  const { criteria, within, homes, isNamed } = search;
  const file = database.line('files', FILE);
  const line =
    form.field === 'details' ? sql<string>`${file} || ' ' || ${database.line('files', DETAILS)}` : file;
  const all = database.tables.selectFrom('files');
  const places: readonly FilesQuery[] = homes
    ? [database.filesIn(homes.ids)]
    : partsOf(database, within, 'directory_id').map((part) => all.where(part));
  const isWanted = criteriaConditions(database, 'files', criteria);
  const queries = places.map((place) => place.select(line.as('line')).where(isWanted));
  for await (const lines of database.streamLines(queries)) {
    const found = lines.map(foundFile);
    const paths = await search.pathsOf(new Set(found.map(({ directory }) => directory)));
    const items: Item[] = [];
    for (const { directory, name, details } of found) {
      const home = paths.get(directory);
      if (!home || !isNamed({ directory: home.path, name, isDirectory: false })) continue;
      items.push(form.file(childPath(home.path, name), details, home.device));
    }
    if (items.length > 0) yield items;
  }
}

function foundFile(line: string) {
  const first = line.indexOf(' ');
  const second = line.indexOf(' ', first + 1);
  const end = second < 0 ? line.length : second;
  return {
    directory: BigInt(line.slice(0, first)),
    name: nameFromBytes(Buffer.from(line.slice(first + 1, end), 'hex')),
    details: line.slice(end + 1),
  };
}

/** Where to look where bounds spare nothing, in parts; `column` holds the numbers of directories. */
function partsOf(
  database: QueryDatabase,
  within: SearchPlace['within'],
  column: DirectoryColumn,
): readonly RawBuilder<SqlBool>[] {
  return within ? [sql<SqlBool>`${sql.ref(column)} IN ${within}`] : database.directoryParts(column);
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
