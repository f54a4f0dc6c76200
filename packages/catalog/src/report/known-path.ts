import { type BytePath, splitPath, toBytes } from '../byte-path.js';
import { locateDirectory, rootsBelow } from '../database/directory-paths.js';
import type { QueryDatabase } from '../database/query-database.js';

/** Whether the catalog has a file or directory at a path, or remembers one. */
export async function isKnownPath(database: QueryDatabase, path: BytePath): Promise<boolean> {
  const { tables } = database;
  if (await locateDirectory(tables, path)) return true;
  const split = splitPath(path);
  const parent = split && (await locateDirectory(tables, split.parent));
  const file =
    parent &&
    (await tables
      .selectFrom('files')
      .select('inode')
      .where('directory_id', '=', parent.id)
      .where('name', '=', toBytes(split.name))
      .executeTakeFirst());
  if (file) return true;
  const past = await tables
    .selectFrom('file_changes')
    .select('sequence')
    .where((eb) => eb.or([database.isPath('path', path), database.isPath('previous_path', path)]))
    .limit(1)
    .executeTakeFirst();
  return past !== undefined;
}

/** The roots of the trees that lie in a directory, in byte order. */
export async function treesBelow({ tables }: QueryDatabase, directory: BytePath): Promise<BytePath[]> {
  return (await rootsBelow(tables, directory)).map(({ path }) => path);
}
