import type { Database } from 'better-sqlite3';
import { type BytePath, isWithin, pathFromBytes } from '../../byte-path.js';
import { PathsByNumber } from './paths-by-number.js';
import { readDirectory } from './read-directories.js';

/**
 * Directories below a root that have files in them and are on another device than the one that holds them, or are roots
 * of trees that were scanned by themselves.
 */
export function readKnownMounts(database: Database, root: BytePath): BytePath[] {
  const isBelow = (path: BytePath) => path !== root && isWithin(path, root);
  const roots = database
    .prepare<[], Buffer>('SELECT name FROM directories WHERE parent_id = 0 AND total_files > 0')
    .pluck()
    .all()
    .map(pathFromBytes)
    .filter(isBelow);
  const device = readDirectory(database, root)?.attributes.device;
  if (device === undefined && roots.length === 0) return [];
  // One pass over the directories, which looks up the parents of those alone that are on other devices than the root.
  const ids = database
    .prepare<[number], number>(
      `SELECT d.id FROM directories d CROSS JOIN directories p ON p.id = d.parent_id
       WHERE d.device <> ? AND d.device <> p.device AND d.total_files > 0`,
    )
    .pluck()
    .all(device ?? NO_DEVICE);
  const paths = new PathsByNumber(database);
  const mounts = ids.map((id) => paths.of(id)).filter((path) => path !== undefined);
  return [...roots, ...mounts.filter(isBelow)];
}

/** What no directory is on. */
const NO_DEVICE = -1;
