import type pg from 'pg';
import { type BytePath, splitPath, toBytes } from '../../byte-path.js';
import type { DirectoryRecord } from '../records.js';
import { DIRECTORY_COLUMNS, type DirectoryRow, directoryRecord } from '../row-mapping.js';
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
