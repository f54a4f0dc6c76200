import type pg from 'pg';
import { ancestry, type BytePath, toBytes } from '../../byte-path.js';
import type { ScanRun } from '../records.js';
import type { Reader } from './reader-pool.js';

/** File systems take the times of changes from a clock that is a little behind, or from that of another machine. */
const CLOCK_SLACK_MS = 2_000;

/**
 * A time before which everything in a tree was as the catalog has it, if clocks agree, in milliseconds since 1970:
 * changes that came while the tree was last read may be told already or not. Undefined if its runs were forgotten.
 */
export async function lastLook(client: Reader, host: number, root: BytePath): Promise<number | undefined> {
  const { rows } = await client.query<{ began: bigint }>(
    `SELECT CASE source WHEN 'watch' THEN finished_at ELSE started_at END AS began FROM scan_runs
     WHERE host_id = $1 AND root = ANY($2::bytea[]) AND status = 'finished' ORDER BY finished_at DESC LIMIT 1`,
    [host, Array.from(ancestry(root), toBytes)],
  );
  return rows[0] && Number(rows[0].began) - CLOCK_SLACK_MS;
}

/** Writes the row of a run that has finished, and where it changed something one for those who follow events. */
export async function writeRun(client: pg.ClientBase, host: number, run: ScanRun): Promise<void> {
  const { totals, changes } = run;
  const tallies = [changes.new, changes.modified, changes.renamed, changes.removed];
  const values = [
    run.id,
    host,
    toBytes(run.root),
    run.source,
    'finished',
    run.isBaseline,
    run.startedAt,
    run.finishedAt,
    totals.files,
    totals.directories,
    totals.bytes,
    totals.allocated,
    ...tallies.flatMap(({ files, bytes }) => [files, bytes]),
    changes.newDirectories,
    changes.removedDirectories,
    run.errors,
    run.unreadableDirectories,
    JSON.stringify(run.metadata),
  ];
  await client.query(
    `INSERT INTO scan_runs (id, host_id, root, source, status, is_baseline, started_at, finished_at, files,
       directories, bytes, allocated, new_files, new_bytes, modified_files, modified_bytes, renamed_files,
       renamed_bytes, removed_files, removed_bytes, new_directories, removed_directories, errors,
       unreadable_directories, metadata)
     VALUES (${values.map((_, n) => `$${n + 1}`).join(', ')})`,
    values,
  );
  await client.query(
    `INSERT INTO mutation_log (host_id, recorded_at, kind, path, scan_id) SELECT $1, $2, 'scan', $3, $4
     WHERE $5 OR EXISTS (SELECT FROM file_changes WHERE scan_id = $4)`,
    [host, run.finishedAt, toBytes(run.root), run.id, run.isBaseline],
  );
}
