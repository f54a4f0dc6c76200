import type pg from 'pg';
import type { TallyRow } from './change-tallies.js';

/**
 * Marks in the history of a merge, in which the counts are right already, the bytes which count under another name of
 * their inode than before: of the two names nothing but that may have changed, and neither is larger or smaller for it. A
 * name that stays or is renamed is marked also without the other one, which may be in a tree that was not looked at, or
 * have counted before, too. A name that is new has taken bytes over only from one that was renamed: what is gone
 * altogether was another file, whose number was used again. A name that is renamed takes over its own length: a scan of a
 * part may have seen it longer than the other. Returns what that takes from the counts of the scan.
 */
export async function markMovedBytes(
  client: pg.ClientBase,
  { scan, recordedAt }: { readonly scan: number; readonly recordedAt: number },
): Promise<readonly TallyRow[]> {
  // As in recount-links.ts.
  await client.query('SET LOCAL enable_nestloop = off');
  const { rows } = await client.query<TallyRow>(
    `WITH linked AS MATERIALIZED (
       SELECT *, old_inode = new_inode AS stays FROM file_changes
       WHERE recorded_at = $2 AND scan_id + 0 = $1 AND (old_links > 1 OR new_links > 1)
         AND NOT (old_is_counted = 1 AND new_is_counted = 1 AND old_inode = new_inode)
     ), leaving AS (
       SELECT sequence, kind, stays, old_device AS device, old_inode AS inode, old_size AS bytes FROM linked
       WHERE old_is_counted = 1
     ), coming AS (
       SELECT sequence, kind, stays, coalesce(old_device, new_device) AS device, new_inode AS inode, old_size AS bytes
       FROM linked WHERE new_is_counted = 1
     ), moves AS MATERIALIZED (
       SELECT leaving.sequence AS left_sequence, coming.sequence AS came_sequence, leaving.bytes AS taken,
         CASE coming.kind WHEN 'renamed' THEN coming.bytes ELSE leaving.bytes END AS given
       FROM leaving JOIN coming USING (device, inode) WHERE coming.kind <> 'new' OR leaving.kind = 'renamed'
     ), marked AS (
       UPDATE file_changes c SET moved_bytes = marks.bytes
       FROM (
         SELECT left_sequence AS sequence, -taken AS bytes FROM moves
         UNION ALL SELECT came_sequence, given FROM moves
         UNION ALL SELECT sequence, -bytes FROM leaving
         WHERE stays AND sequence NOT IN (SELECT left_sequence FROM moves)
         UNION ALL SELECT sequence, bytes FROM coming
         WHERE stays AND sequence NOT IN (SELECT came_sequence FROM moves)
       ) AS marks
       WHERE c.recorded_at = $2 AND c.scan_id + 0 = $1 AND c.sequence = marks.sequence
       RETURNING c.kind, c.is_recount, marks.bytes
     )
     SELECT kind, false AS "isDirectory", 0 AS files,
       sum(CASE kind WHEN 'removed' THEN bytes ELSE -bytes END)::bigint AS bytes
     FROM marked WHERE is_recount = 0 GROUP BY 1`,
    [scan, recordedAt],
  );
  await client.query('SET LOCAL enable_nestloop = on');
  return rows;
}
