import { type BytePath, childPath, nameFromBytes } from '../byte-path.js';
import { pathAt, startingDirectories } from '../database/directory-paths.js';
import type { QueryDatabase } from '../database/query-database.js';
import type { Totals } from '../database/records.js';
import { TOTALS_COLUMNS, totalsOf } from './directory-size.js';
import { inSubtrees } from './in-subtrees.js';

/** Which directories or files come first, and how many. */
export interface TopOptions {
  /** Only what lies below this directory. */
  readonly path?: BytePath;
  readonly limit: number;
}

/** A directory among the first. */
export interface TopDirectory extends Totals {
  readonly path: BytePath;
}

/** A file among the first. */
export interface TopFile {
  readonly path: BytePath;
  readonly bytes: number;
  readonly allocated: number;
  readonly mtimeNs: bigint;
  readonly uid: number;
}

const ORDER_COLUMNS = {
  size: 'total_bytes',
  allocated: 'total_allocated',
  count: 'total_files',
} as const;

/** The directories that hold most with all below them, the greatest first. */
export async function topDirectories(
  database: QueryDatabase,
  { path, limit, by }: TopOptions & { readonly by: keyof typeof ORDER_COLUMNS },
): Promise<TopDirectory[]> {
  const { tables } = database;
  let query = tables.selectFrom('directories').select(['id', ...TOTALS_COLUMNS]);
  if (path !== undefined) {
    const tops = await startingDirectories(tables, path);
    if (tops.length === 0) return [];
    query = query.where(inSubtrees(database, 'id', tops));
    for (const top of tops) if (top.path === path) query = query.where('id', '<>', top.id);
  }
  const rows = await query.orderBy(ORDER_COLUMNS[by], 'desc').orderBy('id').limit(limit).execute();
  const paths = await database.directoryPlaces(rows.map(({ id }) => id));
  return rows.map((row) => ({ path: pathAt(paths, row.id), ...totalsOf(row) }));
}

/** The largest files, the greatest first. */
export async function topFiles(database: QueryDatabase, { path, limit }: TopOptions): Promise<TopFile[]> {
  const { tables } = database;
  let directories = tables
    .selectFrom('directories')
    .select(['id', 'largest_file'])
    .where('own_files', '>', 0n);
  if (path !== undefined) {
    const tops = await startingDirectories(tables, path);
    if (tops.length === 0) return [];
    directories = directories.where(inSubtrees(database, 'id', tops));
  }
  // The n largest files lie in the n directories whose largest file is largest: only those are read.
  const candidates = await directories.orderBy('largest_file', 'desc').orderBy('id').limit(limit).execute();
  const least = candidates.length < limit ? 0n : (candidates.at(-1)?.largest_file ?? 0n);
  const found: { readonly directory: bigint; readonly name: Buffer; readonly file: Omit<TopFile, 'path'> }[] =
    [];
  for (const { id } of candidates) {
    const rows = await tables
      .selectFrom('files')
      .select(['name', 'size', 'allocated', 'mtime_ns', 'uid'])
      .where('directory_id', '=', id)
      .where('size', '>=', least)
      .orderBy('size', 'desc')
      .orderBy('name')
      .limit(limit)
      .execute();
    for (const { name, size, allocated, mtime_ns, uid } of rows) {
      const file = { bytes: Number(size), allocated: Number(allocated), mtimeNs: mtime_ns, uid: Number(uid) };
      found.push({ directory: id, name, file });
    }
  }
  found.sort((a, b) => b.file.bytes - a.file.bytes);
  const first = found.slice(0, limit);
  const paths = await database.directoryPlaces(first.map(({ directory }) => directory));
  return first.map(({ directory, name, file }) => ({
    path: childPath(pathAt(paths, directory), nameFromBytes(name)),
    ...file,
  }));
}
