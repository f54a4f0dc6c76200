import type { Selectable } from 'kysely';
import { type BytePath, childPath, nameFromBytes } from '../byte-path.js';
import { type PlacedDirectory, startingDirectories } from '../database/directory-paths.js';
import type { QueryDatabase } from '../database/query-database.js';
import type { CatalogTables } from '../database/tables.js';
import type { Attributes } from '../entry.js';

/** A file or directory of the catalog. */
export interface FoundEntry extends Attributes {
  readonly path: BytePath;
  /** BLAKE3 of the content, where it is known. */
  readonly fingerprint: Buffer | null;
}

type FileRow = Selectable<CatalogTables['files']>;
type DirectoryRow = Selectable<CatalogTables['directories']>;

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
  /** Whether to yield an entry; asked before the rest of it is read, which most of the time goes into. */
  readonly accepts?: (path: BytePath, mode: number) => boolean;
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

/** Directories that are looked into with one query. */
const DIRECTORIES = 500;

/** Files a query brings. */
const FILES = 5_000;

/** Walks a subtree in the catalog, many directories at a time: memory stays bounded by a page and the pending directories. */
export async function* entriesBelow(
  database: QueryDatabase,
  options: EntriesBelowOptions,
): AsyncGenerator<FoundEntry> {
  const starts = await startingDirectories(database.tables, options.path);
  if (options.directories && !options.onlyDirect) yield* startEntries(database, starts, options);
  const pending = await withDevices(database, starts);
  while (pending.length > 0) {
    const batch = new Map(pending.splice(-DIRECTORIES).map((directory) => [directory.id, directory]));
    if (options.files) yield* filesOf(database, batch, options);
    const children = await database.tables
      .selectFrom('directories')
      .selectAll()
      .where('parent_id', 'in', [...batch.keys()])
      .orderBy('name', 'desc')
      .execute();
    for (const row of children) {
      const path = childPath((batch.get(row.parent_id) as DeviceDirectory).path, nameFromBytes(row.name));
      if (!options.onlyDirect) pending.push({ id: row.id, path, device: row.device });
      if (options.directories && matches(path, row, options)) yield directoryEntry(path, row);
    }
  }
}

/** A directory that is to be looked into. */
interface DeviceDirectory extends PlacedDirectory {
  /** Where its files are that do not say otherwise. */
  readonly device: bigint;
}

async function withDevices(
  { tables }: QueryDatabase,
  places: readonly PlacedDirectory[],
): Promise<DeviceDirectory[]> {
  const found: DeviceDirectory[] = [];
  for (const place of places) {
    const { device } = await tables
      .selectFrom('directories')
      .select('device')
      .where('id', '=', place.id)
      .executeTakeFirstOrThrow();
    found.push({ ...place, device });
  }
  return found;
}

async function* startEntries(
  { tables }: QueryDatabase,
  starts: readonly PlacedDirectory[],
  options: EntriesBelowOptions,
): AsyncGenerator<FoundEntry> {
  for (const { id, path } of starts) {
    const row = await tables
      .selectFrom('directories')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    if (matches(path, row, options)) yield directoryEntry(path, row);
  }
}

async function* filesOf(
  database: QueryDatabase,
  batch: ReadonlyMap<bigint, DeviceDirectory>,
  { conditions, onlyFingerprinted, accepts }: EntriesBelowOptions,
): AsyncGenerator<FoundEntry> {
  const pathOf = (row: FilePlace) =>
    childPath((batch.get(row.directory_id) as DeviceDirectory).path, nameFromBytes(row.name));
  const isAccepted = (row: FilePlace) => !accepts || accepts(pathOf(row), Number(row.mode));
  let query = filteredFiles(database, conditions);
  if (onlyFingerprinted) query = query.where('fingerprint', 'is not', null);
  const ids = [...batch.keys()].sort((a, b) => (a < b ? -1 : 1));
  for (let last: FilePlace | undefined; ; ) {
    const page = filePage(query, ids, last);
    // All columns of a row cost three times as much as these: they are read where the page has something to yield.
    const places = accepts ? await page.select(['directory_id', 'files.name', 'mode']).execute() : undefined;
    const rows = !places || places.some(isAccepted) ? await page.selectAll('files').execute() : [];
    for (const row of rows) {
      if (!isAccepted(row)) continue;
      const device = row.device ?? (batch.get(row.directory_id) as DeviceDirectory).device;
      yield { path: pathOf(row), fingerprint: row.fingerprint, ...attributesOf(row, device) };
    }
    const seen: readonly FilePlace[] = places ?? rows;
    last = seen.at(-1);
    if (seen.length < FILES || last === undefined) return;
  }
}

/** What says where a file is, and what it is. */
type FilePlace = Pick<FileRow, 'directory_id' | 'name' | 'mode'>;

/** The next files behind `last` of directories with these numbers, which ascend. */
function filePage(
  query: ReturnType<typeof filteredFiles>,
  ids: readonly bigint[],
  last: FilePlace | undefined,
) {
  const left = last ? ids.filter((id) => id >= last.directory_id) : ids;
  let page = query.where('directory_id', 'in', left);
  if (last) {
    page = page.where((eb) =>
      eb.or([
        eb('directory_id', '>', last.directory_id),
        eb.and([eb('directory_id', '=', last.directory_id), eb('files.name', '>', last.name)]),
      ]),
    );
  }
  return page.orderBy('directory_id').orderBy('files.name').limit(FILES);
}

function filteredFiles({ tables }: QueryDatabase, conditions: Conditions = {}) {
  const { minimumSize, maximumSize, modifiedSince, modifiedUntil, uid, gid } = conditions;
  let query = tables.selectFrom('files');
  if (minimumSize !== undefined) query = query.where('files.size', '>=', BigInt(minimumSize));
  if (maximumSize !== undefined) query = query.where('files.size', '<=', BigInt(maximumSize));
  if (modifiedSince !== undefined) query = query.where('files.mtime_ns', '>=', modifiedSince);
  if (modifiedUntil !== undefined) query = query.where('files.mtime_ns', '<=', modifiedUntil);
  if (uid !== undefined) query = query.where('files.uid', '=', BigInt(uid));
  if (gid !== undefined) query = query.where('files.gid', '=', BigInt(gid));
  return query;
}

/** The same conditions for a directory, all of which are read anyway to go on. */
function matches(
  path: BytePath,
  row: DirectoryRow,
  { conditions = {}, accepts }: EntriesBelowOptions,
): boolean {
  const { minimumSize, maximumSize, modifiedSince, modifiedUntil, uid, gid } = conditions;
  return (
    (!accepts || accepts(path, Number(row.mode))) &&
    (minimumSize === undefined || row.size >= minimumSize) &&
    (maximumSize === undefined || row.size <= maximumSize) &&
    (modifiedSince === undefined || row.mtime_ns >= modifiedSince) &&
    (modifiedUntil === undefined || row.mtime_ns <= modifiedUntil) &&
    (uid === undefined || Number(row.uid) === uid) &&
    (gid === undefined || Number(row.gid) === gid)
  );
}

function directoryEntry(path: BytePath, row: DirectoryRow): FoundEntry {
  return { path, fingerprint: null, ...attributesOf(row, row.device) };
}

function attributesOf(
  row: Omit<FileRow, 'directory_id' | 'name' | 'device' | 'fingerprint'>,
  device: bigint,
): Attributes {
  return {
    mode: Number(row.mode),
    uid: Number(row.uid),
    gid: Number(row.gid),
    links: Number(row.links),
    device: Number(device),
    inode: row.inode,
    size: Number(row.size),
    allocated: Number(row.allocated),
    mtimeNs: row.mtime_ns,
    ctimeNs: row.ctime_ns,
    bornNs: row.born_ns,
  };
}
