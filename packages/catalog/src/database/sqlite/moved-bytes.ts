/**
 * The statement that marks the bytes which count under another name of their inode than before: of the two names nothing
 * but that may have changed, and neither is larger or smaller for it. A name that is new has taken them over only from one
 * that was renamed: what is gone altogether was another file, whose number was used again.
 */
export const MARK_MOVED_BYTES = `
  WITH leaving AS (
    SELECT id, kind, old_device AS device, old_inode AS inode, old_size AS bytes FROM temp.found
    WHERE old_is_counted = 1 AND old_links > 1 AND NOT (new_is_counted = 1 AND new_inode = old_inode)
  ), coming AS (
    SELECT id, kind, coalesce(old_device, new_device) AS device, new_inode AS inode FROM temp.found
    WHERE new_is_counted = 1 AND (old_links > 1 OR new_links > 1)
      AND NOT (old_is_counted = 1 AND new_inode = old_inode)
  ), moves AS MATERIALIZED (
    SELECT leaving.id AS from_id, coming.id AS to_id, bytes
    FROM leaving JOIN coming USING (device, inode) WHERE coming.kind <> 'new' OR leaving.kind = 'renamed'
  )
  UPDATE temp.found SET moved_bytes = marks.bytes
  FROM (SELECT from_id AS id, -bytes AS bytes FROM moves UNION ALL SELECT to_id, bytes FROM moves) AS marks
  WHERE marks.id = found.id`;
