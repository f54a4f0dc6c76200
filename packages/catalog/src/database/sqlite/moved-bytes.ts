/**
 * The statement that marks the bytes which count under another name of their inode than before: of the two names nothing
 * but that may have changed, and neither is larger or smaller for it. A name that stays or is renamed is marked also
 * without the other one, which may be in a tree that was not looked at, or have counted before, too. A name that is new
 * has taken bytes over only from one that was renamed: what is gone altogether was another file, whose number was used
 * again. A name that is renamed takes over its own length: a scan of a part may have seen it longer than the other.
 */
export const MARK_MOVED_BYTES = `
  WITH linked AS (
    SELECT *, old_inode = new_inode AS stays FROM temp.found
    WHERE (old_links > 1 OR new_links > 1) AND NOT (old_is_counted = 1 AND new_is_counted = 1 AND old_inode = new_inode)
  ), leaving AS (
    SELECT id, kind, stays, old_device AS device, old_inode AS inode, old_size AS bytes FROM linked
    WHERE old_is_counted = 1
  ), coming AS (
    SELECT id, kind, stays, coalesce(old_device, new_device) AS device, new_inode AS inode, old_size AS bytes FROM linked
    WHERE new_is_counted = 1
  ), moves AS MATERIALIZED (
    SELECT leaving.id AS from_id, coming.id AS to_id, leaving.bytes AS taken,
      CASE coming.kind WHEN 'renamed' THEN coming.bytes ELSE leaving.bytes END AS given
    FROM leaving JOIN coming USING (device, inode) WHERE coming.kind <> 'new' OR leaving.kind = 'renamed'
  )
  UPDATE temp.found SET moved_bytes = marks.bytes
  FROM (
    SELECT from_id AS id, -taken AS bytes FROM moves
    UNION ALL SELECT to_id, given FROM moves
    UNION ALL SELECT id, -bytes FROM leaving WHERE stays AND id NOT IN (SELECT from_id FROM moves)
    UNION ALL SELECT id, bytes FROM coming WHERE stays AND id NOT IN (SELECT to_id FROM moves)
  ) AS marks
  WHERE marks.id = found.id`;
