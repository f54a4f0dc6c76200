import { type BytePath, childPath, splitPath, toBytes } from '../byte-path.js';
import { locateDirectory } from '../database/directory-paths.js';
import { DETAILS, linesOf, namesOf } from '../database/file-groups.js';
import type { QueryDatabase } from '../database/query-database.js';
import { type RawBuilder, type SqlBool, sql } from '../kysely.js';
import { type WalkedDirectory, walkDirectories } from './directory-walk.js';
import { type EntryForm, type FoundEntry, WHOLE } from './entry-forms.js';

/** What {@link entriesBelow} yields. */
export interface EntriesBelowOptions {
  /** Where to begin, without it every root; a file is all that is there. */
  readonly path?: BytePath;
  readonly files: boolean;
  readonly directories: boolean;
  /** Only what is directly in the directory where it begins. */
  readonly onlyDirect?: boolean;
  /** Files without a known fingerprint are left out. */
  readonly onlyFingerprinted?: boolean;
}

/** A directory with more files than this is read in pages. */
const PAGE = 5_000;

/** The entries of a subtree, many at a time: directories come before what is in them, files in the order of names. */
export async function* entriesBelow<Item>(
  database: QueryDatabase,
  options: EntriesBelowOptions,
  form: EntryForm<Item>,
): AsyncGenerator<readonly Item[]> {
  const { onlyDirect = false, path } = options;
  if (path !== undefined && options.files) {
    const isWanted = options.onlyFingerprinted ? sql<SqlBool>`fingerprint IS NOT NULL` : undefined;
    const file = await readFileAt(database, path, { form, isWanted });
    if (file !== undefined) {
      yield [file];
      return;
    }
  }
  const reader = new FileReader(database, options, form);
  for await (const { directories, children } of walkDirectories(database, options)) {
    const listed = options.directories
      ? await form.directories(database, onlyDirect ? children : directories)
      : [];
    const read = options.files ? directories.filter(({ own_files }) => own_files > 0n) : [];
    const small = await reader.together(read.filter(({ own_files }) => own_files <= PAGE));
    let items: Item[] = [];
    for (const [at, directory] of directories.entries()) {
      const item = onlyDirect ? undefined : listed[at];
      if (item !== undefined) items.push(item);
      for (const file of small.get(directory.id) ?? []) items.push(file);
      if (directory.own_files <= PAGE || !options.files) continue;
      yield items;
      items = [];
      yield* reader.pages(directory);
    }
    if (onlyDirect) items.push(...listed);
    if (items.length > 0) yield items;
  }
}

/** The file or directory at a path; undefined when nothing is known of it. */
export async function readEntry(database: QueryDatabase, path: BytePath): Promise<FoundEntry | undefined> {
  const directory = await locateDirectory(database.tables, path);
  if (directory) return (await WHOLE.directories(database, [directory]))[0];
  return readFileAt(database, path, { form: WHOLE });
}

/** The file at a path, where its row is as wanted; undefined when there is none, or a directory. */
export async function readFileAt<Item>(
  database: QueryDatabase,
  path: BytePath,
  { form, isWanted }: { readonly form: EntryForm<Item>; readonly isWanted?: RawBuilder<SqlBool> | undefined },
): Promise<Item | undefined> {
  const { tables } = database;
  const split = splitPath(path);
  const home = split && (await locateDirectory(tables, split.parent));
  if (!home) return undefined;
  const query = tables
    .selectFrom('files')
    .select([
      database.line('files', DETAILS).as('line'),
      tables.selectFrom('directories').select('device').where('id', '=', home.id).as('device'),
    ])
    .where('directory_id', '=', home.id)
    .where('name', '=', toBytes(split.name));
  const row = await (isWanted ? query.where(isWanted) : query).executeTakeFirst();
  return row && form.file(path, form.field === 'details' ? row.line : '', Number(row.device));
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
    const rows = await this.#grouped([...homes.keys()])
      .select('directory_id')
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
      let page = this.#grouped([home.id]).where('files.name', '>', behind);
      if (end) page = page.where('files.name', '<=', end.name);
      const row = await page.executeTakeFirst();
      if (row) yield this.#items(row, home);
      last = end?.name;
    }
  }

  #grouped(directories: readonly bigint[]) {
    const { database, options, form } = this;
    const query = database
      .filesIn(directories)
      .select([database.fileGroup('names').as('names'), database.fileGroup(form.field).as('texts')]);
    return options.onlyFingerprinted ? query.where('fingerprint', 'is not', null) : query;
  }

  #items(
    { names, texts }: { readonly names: string | null; readonly texts: string | null },
    home: WalkedDirectory,
  ): Item[] {
    // An aggregate of no rows.
    if (names === null || texts === null) return [];
    const { field, file } = this.form;
    const lines = field === 'details' ? linesOf(texts) : [];
    const device = Number(home.device);
    return namesOf(names).map((name, at) => file(childPath(home.path, name), lines[at] ?? '', device));
  }
}
