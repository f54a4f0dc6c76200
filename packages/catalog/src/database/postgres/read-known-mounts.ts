import { type BytePath, isWithin, pathFromBytes } from '../../byte-path.js';
import type { DirectoryRecord } from '../records.js';
import type { Reader } from './reader-pool.js';

/** Directories below a root that are on another device than the one that holds them, and have files in them. */
export async function readKnownMounts(
  client: Reader,
  host: number,
  { path: root, attributes }: DirectoryRecord,
): Promise<BytePath[]> {
  const { rows } = await client.query<{ path: Buffer }>(
    `SELECT d.path FROM directories d JOIN directories p ON p.id = d.parent_id
     WHERE d.host_id = $1 AND d.device <> $2 AND d.device <> p.device AND d.total_files > 0`,
    [host, attributes.device],
  );
  return rows.map(({ path }) => pathFromBytes(path)).filter((path) => isWithin(path, root));
}
