import { attributes } from '../attribute-columns.js';
import type { ChangeTallies } from '../records.js';
import { type TallyRow, tallies } from './change-tallies.js';
import { compareFiles } from './compare-files.js';
import { pathBelow } from './path-below.js';
import { recountLinks } from './recount-links.js';
import type { Merge } from './resolve-directories.js';

const nulls = (template: string) => attributes(template);

/** Up to so many differing files are found through the index rather than by reading all. */
const FEW = 50_000;

const OLD = `${attributes('old_?')}, old_fingerprint, old_is_counted`;
const NEW = `${attributes('new_?')}, new_is_counted`;
const NO_OLD = `${nulls('NULL AS old_?')}, NULL::bytea AS old_fingerprint, 0 AS old_is_counted`;
const NO_NEW = `${nulls('NULL AS new_?')}, 0 AS new_is_counted`;

/** What `files` becomes, with the sums of known directories that change by it and the inodes with several names that it touches. */
const WRITTEN = (staged: string) => `
  fresh AS (SELECT number, id, device, path FROM seen WHERE known_id IS NULL),
  inserted AS (
    INSERT INTO files (directory_id, name, is_counted, ${attributes()})
    SELECT directory_id, name, new_links = 1,
      ${attributes('new_?').replace('new_device', 'nullif(new_device, home)')}
    FROM compared WHERE verdict = 'new'
    UNION ALL
    SELECT d.id, e.name, e.links = 1, ${attributes('e.?').replace('e.device', 'nullif(e.device, d.device)')}
    FROM ${staged} e JOIN fresh d ON d.number = e.directory WHERE e.kind = 'f'
  ),
  emptied AS (
    DELETE FROM files f USING gone g WHERE f.directory_id = g.id
    RETURNING ${pathBelow('g.path', 'f.name')} AS path, f.fingerprint AS old_fingerprint,
      f.is_counted::integer AS old_is_counted,
      ${attributes('f.? AS old_?').replace('f.device', 'coalesce(f.device, g.device)')}
  ),
  summed AS (
    INSERT INTO own_deltas
    SELECT directory_id,
      sum(CASE verdict WHEN 'new' THEN 1 WHEN 'removed' THEN -1 ELSE 0 END),
      sum(coalesce(new_size * new_is_counted, 0) - coalesce(old_size * old_is_counted, 0)),
      sum(coalesce(new_allocated * new_is_counted, 0) - coalesce(old_allocated * old_is_counted, 0))
    FROM compared GROUP BY 1
  ),
  linked AS (
    INSERT INTO touched
    SELECT old_inode FROM compared WHERE old_links > 1 UNION SELECT new_inode FROM compared WHERE new_links > 1
    UNION SELECT old_inode FROM emptied WHERE old_links > 1
    UNION SELECT e.inode FROM ${staged} e JOIN fresh d ON d.number = e.directory WHERE e.kind = 'f' AND e.links > 1
  )`;

/** All that changed, before renames are paired. What a first scan finds is the base of the history and no change. */
const FOUND = ({ staged, isBaseline }: Merge) => `
  found AS MATERIALIZED (
    SELECT row_number() OVER () AS id, changes.* FROM (
      SELECT verdict AS kind, ${pathBelow('directory_path', 'name')} AS path, ${OLD}, ${NEW}
      FROM compared WHERE verdict <> 'refreshed'
      UNION ALL
      SELECT 'removed', path, ${OLD}, ${NO_NEW} FROM emptied
      UNION ALL
      SELECT 'removed', path, ${attributes()}, NULL, 0, ${NO_NEW} FROM gone
      UNION ALL
      SELECT CASE WHEN (mode, uid, gid) IS DISTINCT FROM (known_mode, known_uid, known_gid)
          THEN 'modified' ELSE 'replaced' END, path, ${attributes('known_?')}, NULL, 0, ${attributes()}, 0 FROM seen
      WHERE known_id IS NOT NULL
        AND (mode, uid, gid, inode, born_ns) IS DISTINCT FROM (known_mode, known_uid, known_gid, known_inode, known_born_ns)
      ${isBaseline ? '' : FRESH_FOUND(staged)}
    ) AS changes
  )`;

const FRESH_FOUND = (staged: string) => `
      UNION ALL
      SELECT 'new', path, ${NO_OLD}, ${attributes()}, 0 FROM seen WHERE known_id IS NULL
      UNION ALL
      SELECT 'new', ${pathBelow('d.path', 'e.name')}, ${NO_OLD}, ${attributes('e.?')}, (e.links = 1)::integer
      FROM ${staged} e JOIN fresh d ON d.number = e.directory WHERE e.kind = 'f'`;

/** Whether what stands under a name is another entry than before. */
const HOLDS_ANOTHER = `(kind IN ('modified', 'replaced')
  AND (old_inode <> new_inode OR old_mode >> 12 <> new_mode >> 12 OR old_born_ns <> new_born_ns))`;

/**
 * What left one name and came under another is one rename. Entries are the same when device, inode and type are; an
 * inode number is used again soon after its file is deleted, so the time of birth must agree too, and where the file
 * system tells none, size and modification time. Of an inode with several names, names pair in byte order.
 */
const PAIRED = `
  leaving AS (
    SELECT *, row_number() OVER (PARTITION BY old_device, old_inode, old_mode >> 12 ORDER BY path) AS place
    FROM found WHERE kind = 'removed' OR ${HOLDS_ANOTHER}
  ),
  arriving AS (
    SELECT *, row_number() OVER (PARTITION BY new_device, new_inode, new_mode >> 12 ORDER BY path) AS place
    FROM found WHERE (kind = 'new' OR ${HOLDS_ANOTHER}) AND EXISTS (SELECT FROM leaving)
  ),
  pairs AS MATERIALIZED (
    SELECT l.id AS left_id, a.id AS came_id, l.path AS previous_path,
      ${attributes('l.old_?')}, l.old_fingerprint, l.old_is_counted, ${attributes('a.new_?')}, a.new_is_counted, a.path
    FROM leaving l JOIN arriving a ON l.old_device = a.new_device AND l.old_inode = a.new_inode
      AND l.old_mode >> 12 = a.new_mode >> 12 AND l.place = a.place
    WHERE CASE WHEN l.old_born_ns IS NULL OR a.new_born_ns IS NULL
      THEN l.old_size = a.new_size AND l.old_mtime_ns = a.new_mtime_ns ELSE l.old_born_ns = a.new_born_ns END
  ),
  unpaired AS (
    SELECT found.*, EXISTS (SELECT FROM pairs WHERE left_id = found.id) AS has_left,
      EXISTS (SELECT FROM pairs WHERE came_id = found.id) AS has_come
    FROM found
  )`;

/**
 * A name that holds another entry than before was left by one and taken by the other: where either is paired, the rest
 * of it is a removal or a new entry. A `replaced` directory of which neither is paired is no change.
 */
const FINAL = `
  SELECT kind, path, NULL::bytea AS previous_path, ${OLD}, ${NEW} FROM unpaired
  WHERE NOT has_left AND NOT has_come AND kind <> 'replaced'
  UNION ALL
  SELECT 'removed', path, NULL, ${OLD}, ${NO_NEW} FROM unpaired
  WHERE kind IN ('modified', 'replaced') AND has_come AND NOT has_left
  UNION ALL
  SELECT 'new', path, NULL, ${NO_OLD}, ${NEW} FROM unpaired
  WHERE kind IN ('modified', 'replaced') AND has_left AND NOT has_come
  UNION ALL
  SELECT 'renamed', path, previous_path, ${OLD}, ${NEW} FROM pairs`;

/**
 * Brings `files` to what was staged and writes the history. One statement finds what is new, modified, removed and
 * renamed, and counts it. What differs is compared and changed before: in one statement with the rest the planner, which
 * cannot guess how little of a million compared rows is left, built a hash table of all files to change a few.
 */
export async function applyChanges(
  merge: Merge,
  { scan, recordedAt }: { readonly scan: number; readonly recordedAt: number },
): Promise<ChangeTallies> {
  const { client } = merge;
  const differing = await compareFiles(merge);
  await changeKnownFiles(merge, differing);
  const { rows } = await client.query<TallyRow>(
    `WITH ${WRITTEN(merge.staged)}, ${FOUND(merge)}, ${PAIRED},
     recorded AS (
       INSERT INTO file_changes (sequence, host_id, scan_id, recorded_at, kind, path, previous_path, ${OLD}, ${NEW})
       SELECT nextval('change_sequence'), ${merge.host}, $1, $2, final.* FROM (SELECT * FROM (
         ${FINAL}
       ) AS changes
         -- Removals first, so that a name that changed its type can be replayed in order.
         ORDER BY kind NOT IN ('removed'), kind NOT IN ('removed', 'renamed'), path
       ) AS final
       RETURNING kind, old_mode, new_mode, old_size, new_size, old_is_counted, new_is_counted
     )
     SELECT kind, coalesce(new_mode, old_mode) >> 12 = 4 AS "isDirectory", count(*) AS files,
       coalesce(sum(CASE kind WHEN 'modified' THEN new_size * new_is_counted - old_size * old_is_counted
         WHEN 'removed' THEN old_size * old_is_counted ELSE new_size * new_is_counted END), 0)::bigint AS bytes
     FROM recorded GROUP BY 1, 2`,
    [scan, recordedAt],
  );
  return tallies([...rows, ...(await recountLinks(merge, { scan, recordedAt }))]);
}

/** Updates and deletes the files that `compared` has otherwise. */
async function changeKnownFiles({ client }: Merge, differing: number): Promise<void> {
  if (differing === 0) return;
  // The planner does not know that the partition of each row is found at run time, takes the index for eight times as
  // slow as it is, and reads all files to change a few.
  const isFew = differing < FEW;
  if (isFew) await client.query('SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off');
  await client.query(`
    DELETE FROM files f USING compared c
    WHERE c.verdict = 'removed' AND f.directory_id = c.directory_id AND f.name = c.name`);
  await client.query(`
    UPDATE files f SET ${attributes('? = c.new_?').replace('c.new_device', 'nullif(c.new_device, c.home)')},
      is_counted = c.new_is_counted = 1, fingerprint = CASE c.verdict WHEN 'refreshed' THEN f.fingerprint END
    FROM compared c
    WHERE c.verdict IN ('modified', 'refreshed') AND f.directory_id = c.directory_id AND f.name = c.name`);
  if (isFew) await client.query('SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on');
}
