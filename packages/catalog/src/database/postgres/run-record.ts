import type pg from 'pg';
import { toBytes } from '../../byte-path.js';
import type { ScanRun } from '../records.js';

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
