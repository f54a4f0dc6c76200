import { type BytePath, isWithin, pathFromBytes } from '../../byte-path.js';
import { readDirectory } from './read-directories.js';
import type { Reader } from './reader-pool.js';

/**
 * Directories below a root that have files in them and are on another device than the one that holds them, or are roots
 * of trees that were scanned by themselves.
 */
export async function readKnownMounts(client: Reader, host: number, root: BytePath): Promise<BytePath[]> {
  const below = async (text: string, values: readonly number[]) => {
    const { rows } = await client.query<{ path: Buffer }>(text, [...values]);
    return rows
      .map(({ path }) => pathFromBytes(path))
      .filter((path) => path !== root && isWithin(path, root));
  };
  const roots = await below(
    'SELECT path FROM directories WHERE host_id = $1 AND parent_id = 0 AND total_files > 0',
    [host],
  );
  const known = await readDirectory(client, host, root);
  if (!known && roots.length === 0) return [];
  const mounts = await below(
    `SELECT d.path FROM directories d JOIN directories p ON p.id = d.parent_id
     WHERE d.host_id = $1 AND d.device <> $2 AND d.device <> p.device AND d.total_files > 0`,
    [host, known?.attributes.device ?? NO_DEVICE],
  );
  return [...roots, ...mounts];
}

/** What no directory is on. */
const NO_DEVICE = -1;
