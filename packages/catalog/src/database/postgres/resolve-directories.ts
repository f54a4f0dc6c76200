import type pg from 'pg';
import { attributes } from '../attribute-columns.js';

/** What the statements of one scan's end work on. */
export interface Merge {
  readonly client: pg.Client;
  readonly host: number;
  /** The staging table. */
  readonly staged: string;
  readonly isBaseline: boolean;
  /** Nothing was known of the tree: its files are in `files`, and directories are staged with their numbers. */
  readonly isDirect: boolean;
}

/** Memory for each sort and hash table: those of a hundred thousand directories take no detour to the disk. */
const WORK_MEMORY = '64MB';

/** Plans depend on how many rows there are of what kind, which a small sample tells as well. */
const STATISTICS_TARGET = 10;

/** The part of a lineage that the index of `directories` holds. */
const indexed = (lineage: string) => `subltree(${lineage}, 0, least(nlevel(${lineage}), 64))`;

/**
 * Whether a lineage lies in another, by the index: labels are digits, so that nothing lies between a label and the same
 * with a zero behind it but what is below.
 */
const isBelow = (lineage: string, top: string) => `(
  ${indexed(lineage)} >= ${indexed(top)} AND ${indexed(lineage)} < (${indexed(top)}::text || '0')::ltree
  AND ${lineage} <@ ${top})`;

const NAME_START = 'parent_length + CASE parent_length WHEN 1 THEN 1 ELSE 2 END';

/**
 * Makes the working tables: `seen`, the staged directories with their numbers in the catalog (new ones for those it
 * does not know), and `gone`, the directories that are there no more; and hangs trees that were scanned by themselves
 * into the one around them. Totals that move go to `carried`.
 */
export async function resolveDirectories(merge: Merge): Promise<void> {
  await makeWorkingTables(merge);
  if (merge.isDirect) await dropSecondLooks(merge);
  await placeFresh(merge);
  await adoptNestedRoots(merge);
  await findGone(merge);
}

async function makeWorkingTables({ client, host, staged, isDirect }: Merge): Promise<void> {
  await client.query(
    `SET LOCAL work_mem = '${WORK_MEMORY}'; SET LOCAL default_statistics_target = ${STATISTICS_TARGET}`,
  );
  // Of the columns that plans depend on: looking at all takes longer than some of the statements.
  await client.query(`ANALYZE ${staged} (directory, kind, name)`);
  // A directory that was listed and later met again without a look inside counts as listed.
  const seen = `
    SELECT DISTINCT ON (s.name) s.directory AS number, s.kind, s.name AS path,
      substring(s.name FROM 1 FOR parent_length) AS parent_path, substring(s.name FROM ${NAME_START}) AS name,
      ${attributes('s.?')}, s.digest, s.files, s.bytes, s.file_allocated, s.largest_file, s.bounds, d.id AS known_id,
      coalesce(d.id, ${isDirect ? 's.directory' : "nextval('directory_ids')"}) AS id, d.parent_id, d.lineage,
      ${attributes('d.? AS known_?')}
    -- Through the index: OFFSET keeps the planner from reading all directories for some.
    FROM ${staged} s LEFT JOIN LATERAL (
      SELECT * FROM directories
      WHERE ${isDirect ? 'false' : `host_id = ${host} AND sha256(path) = sha256(s.name) AND path = s.name OFFSET 0`}
    ) d ON true
    WHERE s.kind IN ('C', 'D', 'N', 'U', 'X') ORDER BY s.name, s.kind`;
  await client.query(`
    CREATE TEMP TABLE seen WITH (fillfactor = 50) ON COMMIT DROP AS ${seen} WITH NO DATA;
    -- As in the staging table: compressing very long paths takes far longer than writing them.
    ALTER TABLE seen ALTER path SET STORAGE EXTERNAL, ALTER parent_path SET STORAGE EXTERNAL`);
  await client.query(`INSERT INTO seen ${seen}`);
  await client.query("DELETE FROM seen WHERE kind = 'X' AND known_id IS NULL");
  if (!isDirect) {
    // What could not even be looked at, see StatFields.setUnknownDirectory, stays as it is known.
    await client.query(`
      UPDATE seen SET (bounds, ${attributes('?')}) = ROW (NULL, ${attributes('known_?')})
      WHERE kind IN ('N', 'U') AND inode = 0 AND known_id IS NOT NULL`);
  }
  await client.query('CREATE INDEX ON seen USING hash (parent_path)');
  await client.query('ANALYZE seen (number, kind, parent_path, known_id, id, parent_id)');
  await client.query(`
    CREATE TEMP TABLE carried (lineage ltree, files bigint, directories bigint, bytes bigint, allocated bigint)
      ON COMMIT DROP;
    CREATE TEMP TABLE own_deltas (directory_id bigint, files bigint, bytes bigint, allocated bigint)
      ON COMMIT DROP;
    CREATE TEMP TABLE touched (inode bigint) ON COMMIT DROP`);
}

/** Drops the files of a directory that was read twice, because its name was given twice, from one of both times. */
async function dropSecondLooks({ client, staged }: Merge): Promise<void> {
  const { rows } = await client.query<{ id: bigint }>(
    `SELECT s.directory AS id FROM ${staged} s
     WHERE s.kind IN ('D', 'U') AND NOT EXISTS (SELECT FROM seen WHERE seen.number = s.directory)`,
  );
  for (const { id } of rows) await client.query('DELETE FROM files WHERE directory_id = $1', [id]);
}

/** Half of the pages of `seen` is free, so that the rows that change here stay on their pages. */
async function placeFresh({ client, host }: Merge): Promise<void> {
  await client.query(`
    WITH RECURSIVE placed AS (
      SELECT s.ctid AS place, s.id, s.path, coalesce(p.id, 0) AS parent_id, coalesce(p.lineage, '') || s.id::text AS lineage
      FROM seen s LEFT JOIN directories p
        ON p.host_id = ${host} AND sha256(p.path) = sha256(s.parent_path) AND p.path = s.parent_path
      WHERE s.known_id IS NULL
        AND NOT EXISTS (SELECT FROM seen u WHERE u.known_id IS NULL AND u.path = s.parent_path)
      UNION ALL
      SELECT s.ctid, s.id, s.path, placed.id, placed.lineage || s.id::text
      FROM placed JOIN seen s ON s.parent_path = placed.path WHERE s.known_id IS NULL
    )
    UPDATE seen SET parent_id = placed.parent_id, lineage = placed.lineage FROM placed
    WHERE placed.place = seen.ctid`);
  await client.query('CREATE INDEX ON seen (id)');
}

/** Few at most, and one may hold another: one by one, the outermost first. */
async function adoptNestedRoots({ client, host }: Merge): Promise<void> {
  const { rows: roots } = await client.query<{ id: bigint }>(
    'SELECT known_id AS id FROM seen WHERE known_id IS NOT NULL AND parent_id = 0 ORDER BY length(path)',
  );
  for (const { id } of roots) {
    const { rows } = await client.query<{ parent: bigint; lineage: string; old: string }>(
      `SELECT p.id AS parent, p.lineage, s.lineage AS old FROM seen s JOIN (
         SELECT id, path, lineage FROM seen WHERE known_id IS NULL
         UNION ALL SELECT id, path, lineage FROM directories WHERE host_id = ${host}
           AND sha256(path) = (SELECT sha256(parent_path) FROM seen WHERE id = $1)
       ) p ON p.path = s.parent_path WHERE s.id = $1`,
      [id],
    );
    const place = rows[0];
    if (!place) continue;
    await client.query(
      `INSERT INTO carried SELECT $2::ltree, total_files, total_directories + 1, total_bytes, total_allocated
       FROM directories WHERE id = $1`,
      [id, place.lineage],
    );
    await client.query(
      'UPDATE directories d SET parent_id = $2, name = s.name FROM seen s WHERE s.id = $1 AND d.id = $1',
      [id, place.parent],
    );
    await client.query('UPDATE seen SET parent_id = $2 WHERE id = $1', [id, place.parent]);
    await client.query(
      `UPDATE directories SET lineage = $2::ltree || lineage
       WHERE ${isBelow('lineage', '$1::ltree')}`,
      [place.old, place.lineage],
    );
    await client.query('UPDATE seen SET lineage = $2::ltree || lineage WHERE lineage <@ $1::ltree', [
      place.old,
      place.lineage,
    ]);
  }
}

async function findGone({ client, staged }: Merge): Promise<void> {
  await client.query(`
    CREATE TEMP TABLE gone_tops ON COMMIT DROP AS
    SELECT d.id, d.lineage, d.total_files, d.total_directories, d.total_bytes, d.total_allocated
    FROM seen s JOIN directories d ON d.parent_id = s.known_id
    WHERE s.kind = 'D' AND NOT EXISTS (
      SELECT FROM ${staged} e WHERE e.directory = s.number AND e.kind IN ('d', 'u') AND e.name = d.name)
    UNION
    SELECT d.id, d.lineage, d.total_files, d.total_directories, d.total_bytes, d.total_allocated
    FROM seen s JOIN directories d ON d.id = s.known_id WHERE s.kind = 'X'`);
  await client.query(
    'DELETE FROM gone_tops WHERE EXISTS (SELECT FROM gone_tops g WHERE g.id <> gone_tops.id AND gone_tops.lineage <@ g.lineage)',
  );
  await client.query(`
    CREATE TEMP TABLE gone ON COMMIT DROP AS
    SELECT d.id, d.path, ${attributes('d.?')} FROM gone_tops g JOIN directories d
      ON ${isBelow('d.lineage', 'g.lineage')}`);
  await client.query('ANALYZE gone');
  await client.query(
    `INSERT INTO carried
     SELECT subpath(lineage, 0, -1), -total_files, -total_directories - 1, -total_bytes, -total_allocated
     FROM gone_tops WHERE nlevel(lineage) > 1`,
  );
  await client.query('DELETE FROM seen USING gone_tops g WHERE seen.lineage <@ g.lineage');
}
