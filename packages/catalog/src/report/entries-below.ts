import type { ByteName, BytePath } from '../byte-path.js';
import { childPath, nameFromBytes, splitPath, toBytes } from '../byte-path.js';
import { locateDirectory } from '../database/directory-paths.js';
import { type FileGroupField, linesOf, namesOf, parseDetails } from '../database/file-groups.js';
import type { QueryDatabase } from '../database/query-database.js';
import type { Totals } from '../database/records.js';
import { attributesFromRow } from '../database/row-mapping.js';
import type { Attributes } from '../entry.js';
import { totalsOf } from './directory-size.js';
import { type WalkedDirectory, walkDirectories } from './directory-walk.js';

/** A file or directory of the catalog. */
export interface FoundEntry extends Attributes {
  readonly path: BytePath;
  /** BLAKE3 of the content, where it is known. */
  readonly fingerprint: Buffer | null;
  /** Of a directory, what it holds with all below it. */
  readonly totals: Totals | null;
}

/** What {@link entriesBelow} yields. */
export interface EntriesBelowOptions {
  /** Where to begin; without it every root. */
  readonly path?: BytePath;
  readonly files: boolean;
  readonly directories: boolean;
  /** Only what is directly in the directory where it begins. */
  readonly onlyDirect?: boolean;
  /** Files without a known fingerprint are left out. */
  readonly onlyFingerprinted?: boolean;
  /** Whether to yield an entry. */
  readonly accepts?: (directory: BytePath, name: ByteName, mode: number) => boolean;
  /** Conditions that the database checks. */
  readonly conditions?: Conditions;
}

/** Bounds that the database checks, all of them inclusive. */
export interface Conditions {
  readonly minimumSize?: number;
  readonly maximumSize?: number;
  /** Modified at this time or later, in nanoseconds since 1970. */
  readonly modifiedSince?: bigint;
  readonly modifiedUntil?: bigint;
  readonly uid?: number;
  readonly gid?: number;
}

/** What is made of each entry: as little as the caller needs. */
interface EntryForm<Item> {
  readonly field: FileGroupField;
  /** A file, from what the field says of it. */
  readonly file: (path: BytePath, text: string, home: WalkedDirectory) => Item;
  readonly directory: (directory: WalkedDirectory) => Item;
}

const WHOLE: EntryForm<FoundEntry> = {
  field: 'details',
  file: (path, line, { device }) => ({ path, totals: null, ...parseDetails(line, Number(device)) }),
  directory: (row) => ({
    path: row.path,
    fingerprint: null,
    totals: totalsOf(row),
    ...attributesFromRow(row),
  }),
};

const PATHS: EntryForm<BytePath> = {
  field: 'names',
  file: (path) => path,
  directory: ({ path }) => path,
};

/** A directory with more files than this is read in pages. */
const PAGE = 5_000;

/** The entries of a subtree, many at a time: directories come before what is in them, files in the order of names. */
export async function* entriesBelow(
  database: QueryDatabase,
  options: EntriesBelowOptions,
): AsyncGenerator<readonly FoundEntry[]> {
  yield* formed(database, options, WHOLE);
}

/** As {@link entriesBelow}, the paths alone: a third of the time. */
export async function* pathsBelow(
  database: QueryDatabase,
  options: EntriesBelowOptions,
): AsyncGenerator<readonly BytePath[]> {
  yield* formed(database, options, PATHS);
}

/** The file or directory at a path; undefined when nothing is known of it. */
export async function readEntry(database: QueryDatabase, path: BytePath): Promise<FoundEntry | undefined> {
  if (await locateDirectory(database.tables, path)) {
    for await (const { directories } of walkDirectories(database, { path, onlyDirect: true })) {
      return directories.map(WHOLE.directory)[0];
    }
  }
  const split = splitPath(path);
  const home = split && (await locateDirectory(database.tables, split.parent));
  if (!home) return undefined;
  const row = await database.tables
    .selectFrom('files')
    .innerJoin('directories', 'directories.id', 'directory_id')
    .select([database.fileGroup('details').as('line'), (eb) => eb.fn.max('directories.device').as('device')])
    .where('directory_id', '=', home.id)
    .where('files.name', '=', toBytes(split.name))
    .executeTakeFirst();
  if (!row || row.line === null) return undefined;
  return { path, totals: null, ...parseDetails(row.line, Number(row.device)) };
}

async function* formed<Item>(
  database: QueryDatabase,
  options: EntriesBelowOptions,
  form: EntryForm<Item>,
): AsyncGenerator<readonly Item[]> {
  const { onlyDirect = false, conditions = {} } = options;
  const reader = new FileReader(database, options, form);
  for await (const { directories, children } of walkDirectories(database, options)) {
    const listed = (directory: WalkedDirectory) =>
      options.directories && matches(directory, options) ? [form.directory(directory)] : [];
    const read = options.files ? directories.filter((directory) => mayHold(directory, conditions)) : [];
    const small = await reader.together(read.filter(({ own_files }) => own_files <= PAGE));
    let items: Item[] = [];
    for (const directory of directories) {
      if (!onlyDirect) items.push(...listed(directory));
      for (const item of small.get(directory.id) ?? []) items.push(item);
      if (directory.own_files <= PAGE || !read.includes(directory)) continue;
      yield items;
      items = [];
      yield* reader.pages(directory);
    }
    if (onlyDirect) items.push(...children.flatMap(listed));
    if (items.length > 0) yield items;
  }
}

function mayHold({ own_files, largest_file }: WalkedDirectory, { minimumSize = 0 }: Conditions): boolean {
  return own_files > 0n && largest_file >= minimumSize;
}

/** Reads files of directories in one form. */
class FileReader<Item> {
  constructor(
    private readonly database: QueryDatabase,
    private readonly options: EntriesBelowOptions,
    private readonly form: EntryForm<Item>,
  ) {}

  /** The files of several directories that are not large, by the directory. */
  async together(directories: readonly WalkedDirectory[]): Promise<ReadonlyMap<bigint, Item[]>> {
    if (directories.length === 0) return new Map();
    const homes = new Map(directories.map((directory) => [directory.id, directory]));
    const rows = await this.#grouped()
      .select('directory_id')
      .where(this.database.isAmong('directory_id', [...homes.keys()]))
      .groupBy('directory_id')
      .execute();
    return new Map(
      rows.map((row) => [row.directory_id, this.#items(row, homes.get(row.directory_id) as WalkedDirectory)]),
    );
  }

  /** The files of a large directory, page by page. */
  async *pages(home: WalkedDirectory): AsyncGenerator<Item[]> {
    const { tables } = this.database;
    for (let last: Buffer | undefined = Buffer.alloc(0); last !== undefined; ) {
      const behind: Buffer = last;
      const end: { readonly name: Buffer } | undefined = await tables
        .selectFrom('files')
        .select('name')
        .where('directory_id', '=', home.id)
        .where('name', '>', behind)
        .orderBy('name')
        .offset(PAGE - 1)
        .limit(1)
        .executeTakeFirst();
      let page = this.#grouped().where('directory_id', '=', home.id).where('files.name', '>', behind);
      if (end) page = page.where('files.name', '<=', end.name);
      const row = await page.executeTakeFirst();
      if (row) yield this.#items(row, home);
      last = end?.name;
    }
  }

  #grouped() {
    const { database, options, form } = this;
    const query = filteredFiles(database, options)
      .select(database.fileGroup('names').as('names'))
      .select(database.fileGroup(form.field).as('texts'));
    // The types of files are asked for only where somebody looks at them.
    return query.$if(options.accepts !== undefined && form.field === 'names', (names) =>
      names.select(database.fileGroup('modes').as('modes')),
    );
  }

  #items(
    {
      names,
      texts,
      modes,
    }: { readonly names: string | null; readonly texts: string | null; readonly modes?: string | null },
    home: WalkedDirectory,
  ): Item[] {
    // An aggregate of no rows.
    if (names === null || texts === null) return [];
    const { accepts } = this.options;
    const { field, file } = this.form;
    const lines = field === 'details' ? linesOf(texts) : [];
    const types = modes?.split(' ');
    const items: Item[] = [];
    for (const [at, name] of namesOf(names).entries()) {
      const line = lines[at] ?? '';
      if (accepts && !accepts(home.path, name, Number.parseInt(types?.[at] ?? line, 10))) continue;
      items.push(file(childPath(home.path, name), line, home));
    }
    return items;
  }
}

function filteredFiles(
  { tables }: QueryDatabase,
  { conditions = {}, onlyFingerprinted }: EntriesBelowOptions,
) {
  const { minimumSize, maximumSize, modifiedSince, modifiedUntil, uid, gid } = conditions;
  let query = tables.selectFrom('files');
  if (onlyFingerprinted) query = query.where('fingerprint', 'is not', null);
  if (minimumSize !== undefined) query = query.where('files.size', '>=', BigInt(minimumSize));
  if (maximumSize !== undefined) query = query.where('files.size', '<=', BigInt(maximumSize));
  if (modifiedSince !== undefined) query = query.where('files.mtime_ns', '>=', modifiedSince);
  if (modifiedUntil !== undefined) query = query.where('files.mtime_ns', '<=', modifiedUntil);
  if (uid !== undefined) query = query.where('files.uid', '=', BigInt(uid));
  if (gid !== undefined) query = query.where('files.gid', '=', BigInt(gid));
  return query;
}

/** The same conditions for a directory, which is read anyway to go on. */
function matches(row: WalkedDirectory, { conditions = {}, accepts }: EntriesBelowOptions): boolean {
  const { minimumSize, maximumSize, modifiedSince, modifiedUntil, uid, gid } = conditions;
  const { parent, name } = splitPath(row.path) ?? { parent: row.path, name: nameFromBytes(row.name) };
  return (
    (!accepts || accepts(parent, name, Number(row.mode))) &&
    (minimumSize === undefined || row.size >= minimumSize) &&
    (maximumSize === undefined || row.size <= maximumSize) &&
    (modifiedSince === undefined || row.mtime_ns >= modifiedSince) &&
    (modifiedUntil === undefined || row.mtime_ns <= modifiedUntil) &&
    (uid === undefined || Number(row.uid) === uid) &&
    (gid === undefined || Number(row.gid) === gid)
  );
}
