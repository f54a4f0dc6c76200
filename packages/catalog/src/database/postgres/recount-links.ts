import { attributes } from '../attribute-columns.js';
import type { TallyRow } from './change-tallies.js';
import { markMovedBytes } from './moved-bytes.js';
import { pathBelow } from './path-below.js';
import type { Merge } from './resolve-directories.js';

/** Notes the inodes with several names of a tree whose files went straight into `files`. */
export async function noteLinked({ client }: Merge): Promise<void> {
  await client.query(
    'INSERT INTO touched SELECT f.inode FROM files f JOIN seen s ON s.id = f.directory_id WHERE f.links > 1',
  );
}

/**
 * Counts each inode with several names that a merge touched once, wherever on the host its names are: under the one that
 * counted so far, so that sums change in few places, and else under the first. Returns what that adds to the counts of
 * the scan, whose history must have been written before.
 */
export async function recountLinks(
  merge: Merge,
  run: { readonly scan: number; readonly recordedAt: number },
): Promise<readonly TallyRow[]> {
  const { client } = merge;
  const { rows } = await client.query('SELECT FROM touched LIMIT 1');
  // Without this the planner, which takes a new table for a thousand rows, reads all files to find none.
  if (rows.length === 0) return [];
  await client.query('ANALYZE touched');
  await client.query(
    `CREATE TEMP TABLE recounted ON COMMIT DROP AS
     SELECT path, 0 AS counts, ${attributes()} FROM directories WHERE false`,
  );
  const { rowCount } = await client.query(recount(merge));
  const recounted = rowCount ? await writeHistory(merge, run) : [];
  return [...recounted, ...(await markMovedBytes(client, run))];
}

/** The statement that recounts. A baseline has no history: what counts in its new directories is no change. */
function recount({ host, isBaseline }: Merge): string {
  return `
    WITH ranked AS (
      SELECT f.directory_id, f.name, f.is_counted, s.id IS NOT NULL AND s.known_id IS NULL AS is_fresh,
        coalesce(s.path, d.path) AS directory, coalesce(f.device, s.device, d.device) AS device,
        row_number() OVER (PARTITION BY coalesce(f.device, s.device, d.device), f.inode
          ORDER BY f.is_counted DESC, f.directory_id, f.name) = 1 AS counts
      FROM (SELECT DISTINCT inode FROM touched) t JOIN files f ON f.inode = t.inode AND f.links > 1
        LEFT JOIN seen s ON s.id = f.directory_id
        LEFT JOIN directories d ON d.id = f.directory_id AND d.host_id = ${host}
      WHERE s.id IS NOT NULL OR d.id IS NOT NULL
    ), fixed AS (
      UPDATE files f SET is_counted = r.counts FROM ranked r
      WHERE f.directory_id = r.directory_id AND f.name = r.name AND r.counts <> r.is_counted
      RETURNING f.directory_id, r.is_fresh, r.counts::integer AS counts, ${pathBelow('r.directory', 'f.name')} AS path,
        ${attributes('f.?').replace('f.device', 'r.device')}
    ), summed AS (
      INSERT INTO own_deltas
      SELECT directory_id, 0, sum((2 * counts - 1) * size), sum((2 * counts - 1) * allocated) FROM fixed GROUP BY 1
    )
    INSERT INTO recounted SELECT path, counts, ${attributes()} FROM fixed ${isBaseline ? 'WHERE NOT is_fresh' : ''}`;
}

/** Corrects the changes that the merge has recorded, and adds rows for files of which nothing else changed. */
async function writeHistory(
  { client, host }: Merge,
  { scan, recordedAt }: { readonly scan: number; readonly recordedAt: number },
): Promise<readonly TallyRow[]> {
  // The planner knows nothing of rows of this moment. They are read once; the plus keeps it from reading all those of a
  // watch, whose batches are one run.
  await client.query('SET LOCAL enable_nestloop = off');
  const { rows } = await client.query<TallyRow>(
    `WITH corrected AS (
       UPDATE file_changes c SET new_is_counted = r.counts FROM recounted r
       WHERE c.recorded_at = $2 AND c.scan_id + 0 = $1 AND c.path = r.path AND c.new_links > 1
       RETURNING c.path, c.kind, (2 * r.counts - 1) * c.new_size AS bytes
     ), added AS (
       INSERT INTO file_changes (sequence, host_id, scan_id, recorded_at, kind, path, ${attributes('old_?')},
         old_is_counted, ${attributes('new_?')}, new_is_counted, is_recount)
       SELECT nextval('change_sequence'), ${host}, $1, $2, 'modified', path, ${attributes()}, 1 - counts,
         ${attributes()}, counts, 1
       FROM recounted WHERE NOT EXISTS (SELECT FROM corrected WHERE corrected.path = recounted.path)
     )
     SELECT kind, false AS "isDirectory", 0 AS files, sum(bytes)::bigint AS bytes FROM corrected GROUP BY 1`,
    [scan, recordedAt],
  );
  await client.query('SET LOCAL enable_nestloop = on');
  return rows;
}
