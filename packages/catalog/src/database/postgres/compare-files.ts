import { attributes } from '../attribute-columns.js';
import type { Merge } from './resolve-directories.js';

/** What makes a file count as modified; the bytes it takes on the disk and the device change by themselves. */
const REPORTED = ['mode', 'uid', 'gid', 'links', 'inode', 'size', 'mtime_ns', 'ctime_ns'];

/** As {@link REPORTED}, with what is brought up to date without being told. */
const STORED = [...REPORTED, 'device', 'allocated'];

const tuple = (prefix: string, columns: readonly string[]) =>
  `(${columns.map((column) => prefix + column).join(', ')})`;
const differ = (columns: readonly string[]) =>
  `${tuple('o.', columns)} IS DISTINCT FROM ${tuple('n.', columns)}`;

/** The columns of `compared`, of a row `o` as it was and a row `n` as it is, one of them null where there is none. */
const COMPARED = `c.id AS directory_id, coalesce(o.name, n.name) AS name, c.device AS home, c.path AS directory_path,
      ${attributes('o.? AS old_?')}, o.fingerprint AS old_fingerprint,
      coalesce(o.is_counted::integer, 0) AS old_is_counted, ${attributes('n.? AS new_?')},
      -- Until the recount at the end chooses among the names of an inode.
      coalesce((n.links = 1 OR (o.is_counted AND o.inode = n.inode))::integer, 0) AS new_is_counted,
      CASE WHEN o.name IS NULL THEN 'new' WHEN n.name IS NULL THEN 'removed'
        WHEN ${differ(REPORTED)} THEN 'modified' ELSE 'refreshed' END AS verdict`;

/**
 * Makes the table `compared`: the files of directories whose listing changed that are not as they were, before and
 * after. Returns their number.
 */
export async function compareFiles({ client, staged }: Merge): Promise<number> {
  const { rowCount } = await client.query(`
    CREATE TEMP TABLE compared ON COMMIT DROP AS
    WITH changed AS (SELECT number, kind, id, device, path FROM seen WHERE known_id IS NOT NULL AND kind IN ('C', 'D')
    -- As their files lie in the table.
    ORDER BY id),
  known AS (
    SELECT f.directory_id, f.name, f.is_counted, f.fingerprint,
      ${attributes('f.?').replace('f.device', 'coalesce(f.device, c.device) AS device')}
    -- Through the index: OFFSET keeps the planner, which cannot know how many files a directory has, from reading all.
    FROM changed c CROSS JOIN LATERAL (SELECT * FROM files WHERE directory_id = c.id OFFSET 0) f
    WHERE c.kind = 'D' AND NOT EXISTS (
      SELECT FROM ${staged} u WHERE u.directory = c.number AND u.kind = 'u' AND u.name = f.name)
  ),
  present AS (
    SELECT c.id AS directory_id, e.name, ${attributes('e.?')}
    FROM changed c JOIN ${staged} e ON e.directory = c.number AND e.kind = 'f' WHERE c.kind = 'D'
  )
    SELECT ${COMPARED}
    FROM known o FULL JOIN present n ON o.directory_id = n.directory_id AND o.name = n.name
      JOIN changed c ON c.id = coalesce(o.directory_id, n.directory_id)
    WHERE o.name IS NULL OR n.name IS NULL OR ${differ(STORED)}
    UNION ALL
    -- Of these only what differs is staged, with what was known of it.
    SELECT ${COMPARED}
    FROM changed c JOIN ${staged} n ON n.directory = c.number AND n.kind = 'f'
      LEFT JOIN ${staged} o ON o.directory = n.directory AND o.name = n.name AND o.kind = 'o'
    WHERE c.kind = 'C'`);
  await client.query('ANALYZE compared (directory_id, name, verdict)');
  return rowCount ?? 0;
}
