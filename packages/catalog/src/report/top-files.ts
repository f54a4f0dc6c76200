import { type BytePath, childPath, nameFromBytes } from '../byte-path.js';
import { pathAt, startingDirectories } from '../database/directory-paths.js';
import type { QueryDatabase } from '../database/query-database.js';
import { FirstItems } from './first-items.js';
import { inSubtrees } from './in-subtrees.js';
import type { TopOptions } from './top-options.js';

/** A file among the first. */
export interface TopFile {
  readonly path: BytePath;
  readonly bytes: number;
  readonly allocated: number;
  readonly mtimeNs: bigint;
  readonly uid: number;
}

/** The largest files, the greatest first. */
export async function topFiles(database: QueryDatabase, options: TopOptions): Promise<TopFile[]> {
  const { limit } = options;
  // The n largest files lie in the n directories whose largest file is largest: only those are read.
  const candidates = await largestHolders(database, options);
  const least = candidates.length < limit ? 0n : (candidates.at(-1)?.largest_file ?? 0n);
  const rows = await database
    .filesIn(candidates.map(({ id }) => id))
    .select(['directory_id', 'name', 'size', 'allocated', 'mtime_ns', 'uid'])
    .where('size', '>=', least)
    .orderBy('size', 'desc')
    .orderBy('directory_id')
    .orderBy('name')
    .limit(limit)
    .execute();
  const paths = await database.directoryPlaces(rows.map(({ directory_id }) => directory_id));
  return rows.map(({ directory_id, name, size, allocated, mtime_ns, uid }) => ({
    path: childPath(pathAt(paths, directory_id), nameFromBytes(name)),
    bytes: Number(size),
    allocated: Number(allocated),
    mtimeNs: mtime_ns,
    uid: Number(uid),
  }));
}

/** A directory that holds files, and the length of the largest one directly in it. */
interface Holder {
  readonly id: bigint;
  readonly largest_file: bigint;
}

/** The directories whose largest files are the largest. */
async function largestHolders(
  database: QueryDatabase,
  { path, limit }: TopOptions,
): Promise<readonly Holder[]> {
  const { tables } = database;
  const holders = tables
    .selectFrom('directories')
    .select(['id', 'largest_file'])
    .where('own_files', '>', 0n)
    .orderBy('largest_file', 'desc')
    .orderBy('id')
    .limit(limit);
  const tops = await startingDirectories(tables, path);
  const roots = path === undefined ? tops : await startingDirectories(tables, undefined);
  if (!roots.every(({ id }) => tops.some((top) => top.id === id))) {
    return tops.length === 0 ? [] : holders.where(inSubtrees(database, 'id', tops)).execute();
  }
  const order = (a: Holder, b: Holder) => Number(b.largest_file - a.largest_file) || Number(a.id - b.id);
  const first = new FirstItems(limit, order);
  for await (const { ids, largest } of byLargestBound(database, limit)) {
    for (const holder of await holders.where(database.isAmong('id', ids)).execute()) first.add(holder);
    const last = first.sorted()[limit - 1];
    if (last && last.largest_file >= largest) break;
  }
  return first.sorted();
}

/** All directories, many at a time, those with the largest bounds first; no file in what follows is larger than `largest`. */
async function* byLargestBound({ tables }: QueryDatabase, count: number) {
  const bounds = tables
    .selectFrom('directory_bounds')
    .select(['directory_id', 'largest'])
    .orderBy('largest', 'desc')
    .orderBy('directory_id', 'desc')
    .limit(count);
  let rows = await bounds.execute();
  for (let last = rows.at(-1); last; last = rows.at(-1)) {
    const { largest, directory_id } = last;
    yield { ids: rows.map((row) => row.directory_id), largest };
    rows = await bounds
      .where((row) => row(row.refTuple('largest', 'directory_id'), '<', row.tuple(largest, directory_id)))
      .execute();
  }
}
