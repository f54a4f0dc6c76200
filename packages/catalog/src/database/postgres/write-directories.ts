import { BOUND_COLUMNS } from '../../listing/directory-bounds.js';
import { attributes } from '../attribute-columns.js';
import { boundColumns, widenedBounds } from '../bound-columns.js';
import type { Merge } from './resolve-directories.js';

/**
 * Brings `directories` to what was seen, and carries every difference of sizes and counts up to the root: the labels of
 * a lineage are the directories it counts for.
 */
export async function writeDirectories(merge: Merge): Promise<void> {
  await sumUp(merge);
  await write(merge);
  await writeBounds(merge);
}

async function sumUp({ client }: Merge): Promise<void> {
  await client.query(`
    CREATE TEMP TABLE own_sums ON COMMIT DROP AS
    SELECT id, sum(files)::bigint AS files, sum(bytes)::bigint AS bytes, sum(allocated)::bigint AS allocated FROM (
      SELECT directory_id AS id, files, bytes, allocated FROM own_deltas
      UNION ALL
      SELECT id, files, bytes, file_allocated + allocated FROM seen WHERE known_id IS NULL
      UNION ALL
      SELECT id, 0, 0, allocated - known_allocated FROM seen WHERE known_allocated <> allocated
    ) AS deltas GROUP BY 1`);
  // A new directory counts for itself here as for those above it, which is taken off where it is written.
  await client.query(`
    CREATE TEMP TABLE total_sums ON COMMIT DROP AS
    SELECT label::bigint AS id, sum(files)::bigint AS files, sum(directories)::bigint AS directories,
      sum(bytes)::bigint AS bytes, sum(allocated)::bigint AS allocated
    FROM (
      SELECT unnest(string_to_array(lineage::text, '.')) AS label, files, directories, bytes, allocated FROM (
        SELECT * FROM carried
        UNION ALL
        -- Nearly all were seen: others are looked up one by one.
        SELECT coalesce(s.lineage, (SELECT lineage FROM directories d WHERE d.id = o.id)), o.files,
          CASE WHEN s.id IS NULL OR s.known_id = s.id THEN 0 ELSE 1 END, o.bytes, o.allocated
        FROM own_sums o LEFT JOIN seen s ON s.id = o.id
      ) AS lines
    ) AS labels GROUP BY 1`);
  await client.query('ANALYZE own_sums');
  await client.query('ANALYZE total_sums');
}

async function write({ client, host, staged }: Merge): Promise<void> {
  await client.query('DELETE FROM directories USING gone WHERE directories.id = gone.id');
  // Once: each update of a row makes a new version of it, which costs more than finding out what to write.
  await client.query(`
    UPDATE directories d SET
      listing_digest = CASE WHEN c.is_read THEN c.digest ELSE d.listing_digest END,
      ${attributes('? = CASE WHEN c.is_seen THEN c.? ELSE d.? END')},
      largest_file = CASE WHEN c.is_read THEN c.largest ELSE d.largest_file END,
      own_files = d.own_files + coalesce(c.own_files, 0), own_bytes = d.own_bytes + coalesce(c.own_bytes, 0),
      own_allocated = d.own_allocated + coalesce(c.own_allocated, 0),
      total_files = d.total_files + coalesce(c.files, 0),
      total_directories = d.total_directories + coalesce(c.directories, 0),
      total_bytes = d.total_bytes + coalesce(c.bytes, 0),
      total_allocated = d.total_allocated + coalesce(c.total_allocated, 0)
    FROM (
      SELECT coalesce(s.known_id, t.id) AS id, s.known_id IS NOT NULL AS is_seen, s.kind IN ('C', 'D') AS is_read, s.digest,
        ${attributes('s.?')}, greatest(s.largest_file, l.size) AS largest, o.files AS own_files, o.bytes AS own_bytes,
        o.allocated AS own_allocated, t.files, t.directories, t.bytes, t.allocated AS total_allocated
      FROM (
        SELECT * FROM seen WHERE known_id IS NOT NULL
          AND (kind IN ('C', 'D') OR (${attributes()}) IS DISTINCT FROM (${attributes('known_?')}))
      ) s
        FULL JOIN total_sums t ON t.id = s.known_id
        LEFT JOIN own_sums o ON o.id = t.id
        LEFT JOIN (
          -- What could not be looked at has stayed as it was.
          SELECT s.number, max((SELECT f.size FROM files f WHERE f.directory_id = s.id AND f.name = u.name)) AS size
          FROM ${staged} u JOIN seen s ON s.number = u.directory AND s.known_id IS NOT NULL WHERE u.kind = 'u'
          GROUP BY 1
        ) l ON l.number = s.number
    ) c
    WHERE d.id = c.id AND (c.is_seen OR c.files <> 0 OR c.directories <> 0 OR c.bytes <> 0 OR c.total_allocated <> 0
      OR c.own_files <> 0 OR c.own_bytes <> 0 OR c.own_allocated <> 0)`);
  await client.query(`
    INSERT INTO directories (id, host_id, parent_id, name, path, lineage, listing_digest, ${attributes()},
      largest_file, own_files, own_bytes, own_allocated, total_files, total_directories, total_bytes, total_allocated)
    SELECT s.id, ${host}, s.parent_id, CASE s.parent_id WHEN 0 THEN s.path ELSE s.name END, s.path, s.lineage,
      s.digest, ${attributes('s.?')}, s.largest_file,
      o.files, o.bytes, o.allocated, t.files, t.directories - 1, t.bytes, t.allocated
    FROM seen s JOIN own_sums o ON o.id = s.id JOIN total_sums t ON t.id = s.id
    WHERE s.known_id IS NULL`);
}

async function writeBounds({ client, host, staged }: Merge): Promise<void> {
  const write = (wanted: string, known: string) => `
    INSERT INTO directory_bounds (directory_id, host_id, ${boundColumns()})
    SELECT id, ${host}, ${BOUND_COLUMNS.map((_, n) => `bounds[${n + 1}]`).join(', ')} FROM seen WHERE bounds IS NOT NULL AND ${wanted}
    ON CONFLICT (directory_id) DO UPDATE SET ${known}`;
  // Where something could not be looked at, what is known of it counts on.
  const isWhole = `(kind IN ('C', 'D') AND number NOT IN (SELECT directory FROM ${staged} WHERE kind = 'u'))`;
  await client.query('DELETE FROM directory_bounds USING gone WHERE directory_id = gone.id');
  await client.query(write(isWhole, boundColumns('? = excluded.?')));
  await client.query(write(`NOT ${isWhole}`, widenedBounds({ least: 'least', greatest: 'greatest' })));
}
