import type { Database } from 'better-sqlite3';
import type { BytePath } from '../../byte-path.js';
import { PathsByNumber } from './paths-by-number.js';
import { prepared } from './prepared.js';

/**
 * Finds directories with other names of the inodes that a session touched ({@link HardLinks.touch}) whose rows are
 * older than what is known by now: events tell only of the name that was used. Where an inode has more names than the
 * catalog knows as such, one that had a single name so far may be one of them; no index holds those, so all files are
 * looked through, once for all touched inodes.
 */
export function findStaleLinks(database: Database): BytePath[] {
  const isTouched = prepared(database, 'SELECT 1 FROM temp.touched_inodes LIMIT 1').get();
  if (!isTouched) return [];
  prepared(
    database,
    `INSERT INTO temp.linked_names
     SELECT directory_id, inode, links, known,
       (ctime_ns < newest OR known < links) AS is_stale, known < last_links AS is_incomplete
     FROM (
       SELECT directory_id, inode, links, ctime_ns, count(*) OVER same AS known,
         max(ctime_ns) OVER same AS newest,
         first_value(links) OVER (PARTITION BY device, inode ORDER BY ctime_ns DESC) AS last_links
       FROM (
         SELECT directory_id, files.inode, files.links, files.ctime_ns,
           coalesce(files.device, directories.device) AS device
         FROM temp.touched_inodes CROSS JOIN files ON files.inode = touched_inodes.inode AND files.links > 1
           JOIN directories ON directories.id = directory_id
       ) WINDOW same AS (PARTITION BY device, inode)
     )`,
  ).run();
  const ids = prepared(
    database,
    'SELECT DISTINCT directory_id FROM temp.linked_names WHERE is_stale',
  ).pluck();
  const stale = new Set(ids.all() as number[]);
  const isIncomplete = prepared(
    database,
    'SELECT 1 FROM temp.linked_names WHERE is_incomplete LIMIT 1',
  ).get();
  if (isIncomplete) {
    const single = prepared(
      database,
      `SELECT DISTINCT directory_id FROM files WHERE links = 1
         AND inode IN (SELECT inode FROM temp.linked_names WHERE is_incomplete)`,
    ).pluck();
    for (const id of single.all() as number[]) stale.add(id);
  }
  prepared(database, 'DELETE FROM temp.linked_names').run();
  const paths = new PathsByNumber(database);
  return [...stale].flatMap((id) => paths.of(id) ?? []);
}
