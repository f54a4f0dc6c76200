import { type BytePath, pathFromBytes } from '../../byte-path.js';
import type { Merge } from './resolve-directories.js';

/**
 * Finds directories with other names of the inodes that a merge touched whose rows are older than what is known by
 * now: events tell only of the name that was used. Where an inode has more names than the catalog knows as such, one
 * that had a single name so far may be one of them; no index holds those, so all files are looked through, once for
 * all touched inodes.
 */
export async function findStaleLinks({ client, host }: Merge): Promise<BytePath[]> {
  const touched = await client.query('SELECT FROM touched LIMIT 1');
  if (touched.rows.length === 0) return [];
  await client.query(`
    CREATE TEMP TABLE linked_names ON COMMIT DROP AS
    SELECT path, inode, (ctime_ns < newest OR known < links) AS is_stale, known < last_links AS is_incomplete
    FROM (
      SELECT d.path, f.inode, f.links, f.ctime_ns, count(*) OVER same AS known,
        max(f.ctime_ns) OVER same AS newest,
        first_value(f.links) OVER (PARTITION BY coalesce(f.device, d.device), f.inode ORDER BY f.ctime_ns DESC)
          AS last_links
      FROM (SELECT DISTINCT inode FROM touched) t JOIN files f ON f.inode = t.inode AND f.links > 1
        JOIN directories d ON d.id = f.directory_id AND d.host_id = ${host}
      WINDOW same AS (PARTITION BY coalesce(f.device, d.device), f.inode)
    ) AS names`);
  const incomplete = await client.query('SELECT FROM linked_names WHERE is_incomplete LIMIT 1');
  const { rows } = await client.query<{ path: Buffer }>(
    `SELECT path FROM linked_names WHERE is_stale
     ${
       incomplete.rows.length === 0
         ? ''
         : `UNION SELECT d.path FROM files f JOIN directories d ON d.id = f.directory_id AND d.host_id = ${host}
            WHERE f.links = 1 AND f.inode IN (SELECT inode FROM linked_names WHERE is_incomplete)`
} GROUP BY 1`,
  );
  return rows.map(({ path }) => pathFromBytes(path));
}
