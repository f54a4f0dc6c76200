import type { Database } from 'better-sqlite3';
import { type BytePath, isWithin } from '../../byte-path.js';
import type { DirectoryRecord } from '../records.js';
import { PathsByNumber } from './paths-by-number.js';

/** Directories below a root that are on another device than the one that holds them, and have files in them. */
export function readKnownMounts(database: Database, { path: root, attributes }: DirectoryRecord): BytePath[] {
  // One pass over the directories, which looks up the parents of those alone that are on other devices than the root.
  const ids = database
    .prepare<[number], number>(
      `SELECT d.id FROM directories d CROSS JOIN directories p ON p.id = d.parent_id
       WHERE d.device <> ? AND d.device <> p.device AND d.total_files > 0`,
    )
    .pluck()
    .all(attributes.device);
  const paths = new PathsByNumber(database);
  return ids
    .map((id) => paths.of(id))
    .filter((path) => path !== undefined)
    .filter((path) => isWithin(path, root));
}
