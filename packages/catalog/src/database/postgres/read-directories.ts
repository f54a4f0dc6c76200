import type pg from 'pg';
import { type BytePath, splitPath, toBytes } from '../../byte-path.js';
import type { DirectoryRecord } from '../records.js';
import { DIRECTORY_COLUMNS, type DirectoryRow, directoryRecord } from '../row-mapping.js';
import { subtreeRange } from '../subtree-range.js';
import type { Reader } from './reader-pool.js';

/** Condition for the directory at a path; `$1` is the host and `$2` the path. */
export const AT_PATH =
  'directories.host_id = $1 AND sha256(directories.path) = sha256($2::bytea) AND directories.path = $2';

/** What is known of the directory at a path; undefined when nothing is. */
export async function readDirectory(
  client: Reader,
  host: number,
  path: BytePath,
): Promise<DirectoryRecord | undefined> {
  const { rows } = await client.query<DirectoryRow>(
    `SELECT ${DIRECTORY_COLUMNS} FROM directories WHERE ${AT_PATH}`,
    [host, toBytes(path)],
  );
  return rows[0] && directoryRecord(path, rows[0]);
}

/** Whether trees that were scanned by themselves lie in a directory that is not known. */
export async function hasTreesWithin(client: Reader, host: number, path: BytePath): Promise<boolean> {
  const { from, to } = subtreeRange(path);
  const { rows } = await client.query(
    'SELECT FROM directories WHERE host_id = $1 AND parent_id = 0 AND path >= $2 AND path < $3 LIMIT 1',
    [host, from, to],
  );
  return rows.length > 0;
}

/**
 * The directories between a path and the nearest one above it that the catalog knows; none when it knows none, for
 * the path is the root of a tree of its own then.
 */
export async function unknownAncestors(
  client: pg.ClientBase,
  host: number,
  path: BytePath,
): Promise<BytePath[]> {
  const unknown: BytePath[] = [];
  for (let at = splitPath(path)?.parent; at !== undefined; at = splitPath(at)?.parent) {
    if (await readDirectory(client, host, at)) return unknown;
    unknown.push(at);
  }
  return [];
}
