import { constants } from 'node:os';
import type pg from 'pg';
import { toBytes } from '../../byte-path.js';
import type { ChangeTallies, Totals } from '../records.js';
import type { BeginWatchOptions } from '../watch-recorder.js';

const { ENOENT, ENOTDIR } = constants.errno;

/** What one batch adds to the run. */
interface BatchSums {
  readonly host: number;
  readonly id: number;
  readonly recordedAt: number;
  readonly changes: ChangeTallies;
  readonly totals: Totals | undefined;
  readonly unreadableDirectories: number;
  /** The staging table, where it holds errors. */
  readonly errorsIn: string | undefined;
}

/** Columns that each batch adds to. */
const TALLIES = [
  'new_files',
  'new_bytes',
  'modified_files',
  'modified_bytes',
  'renamed_files',
  'renamed_bytes',
  'removed_files',
  'removed_bytes',
  'new_directories',
  'removed_directories',
] as const;

/** The `scan_runs` row of a watch, made by the first batch that has something to tell. */
export class WatchRun {
  readonly #startedAt = Date.now();
  #reserved: number | undefined;
  #isWritten = false;
  #isBeingWritten = false;
  #lastRecordedAt = 0;

  constructor(private readonly options: BeginWatchOptions) {}

  /** The run's number; undefined as long as there is no row. */
  get id(): number | undefined {
    return this.#isWritten ? this.#reserved : undefined;
  }

  /** Takes the number that the row is going to have. */
  async reserveId(client: pg.ClientBase): Promise<number> {
    if (this.#reserved === undefined) {
      const { rows } = await client.query<{ id: bigint }>("SELECT nextval('scan_ids') AS id");
      this.#reserved = Number(rows[0]?.id);
    }
    this.#isBeingWritten = false;
    return this.#reserved;
  }

  /** A time for the next batch: each of a run has its own. */
  nextMoment(): number {
    this.#lastRecordedAt = Math.max(Date.now(), this.#lastRecordedAt + 1);
    return this.#lastRecordedAt;
  }

  /** Adds what a batch came to, and the batch's changes to the log that followers of events read. */
  async add(client: pg.ClientBase, sums: BatchSums): Promise<void> {
    const { host, id, recordedAt, errorsIn } = sums;
    const found = await client.query(
      'SELECT FROM file_changes WHERE host_id = $1 AND scan_id = $2 AND recorded_at = $3 LIMIT 1',
      [host, id, recordedAt],
    );
    if (found.rows.length === 0 && errorsIn === undefined) return;
    await this.#write(client, sums);
    await client.query(
      `INSERT INTO mutation_log (host_id, recorded_at, kind, path, previous_path, scan_id, change)
       SELECT host_id, recorded_at, kind, path, previous_path, scan_id, sequence FROM file_changes
       WHERE host_id = $1 AND scan_id = $2 AND recorded_at = $3 AND is_recount = 0 ORDER BY sequence`,
      [host, id, recordedAt],
    );
    if (errorsIn === undefined) return;
    // What a watch finds gone is nothing special, and what repeats is not worth more rows.
    const { rowCount } = await client.query(
      `INSERT INTO scan_errors (scan_id, path, errno)
       SELECT DISTINCT $1::bigint, name, errno FROM ${errorsIn} e
       WHERE kind = 'e' AND errno NOT IN (${ENOENT}, ${ENOTDIR}) AND NOT EXISTS (
         SELECT FROM scan_errors s WHERE s.scan_id = $1 AND s.path = e.name AND s.errno = e.errno)`,
      [id],
    );
    if (!rowCount) return;
    await client.query(
      `UPDATE scan_runs SET errors = errors + $2, unreadable_directories = unreadable_directories + $3
       WHERE id = $1`,
      [id, rowCount, sums.unreadableDirectories],
    );
  }

  /** The batch is durable. */
  endBatch(): void {
    this.#isWritten ||= this.#isBeingWritten;
  }

  async #write(client: pg.ClientBase, { host, id, recordedAt, changes, totals }: BatchSums): Promise<void> {
    const { root, metadata = {} } = this.options;
    const columns = ['files', 'directories', 'bytes', 'allocated'] as const;
    const values = [
      id,
      host,
      toBytes(root),
      this.#startedAt,
      recordedAt,
      JSON.stringify(metadata),
      ...columns.map((column) => totals?.[column] ?? 0),
      ...[changes.new, changes.modified, changes.renamed, changes.removed].flatMap(({ files, bytes }) => [
        files,
        bytes,
      ]),
      changes.newDirectories,
      changes.removedDirectories,
    ];
    await client.query(
      `INSERT INTO scan_runs (id, host_id, root, started_at, finished_at, metadata, ${columns.join(', ')},
         ${TALLIES.join(', ')}, source, status, is_baseline)
       VALUES (${values.map((_, n) => `$${n + 1}`).join(', ')}, 'watch', 'finished', false)
       ON CONFLICT (id) DO UPDATE SET finished_at = excluded.finished_at, history_since = NULL,
         ${columns.map((column) => `${column} = excluded.${column}`).join(', ')},
         ${TALLIES.map((column) => `${column} = scan_runs.${column} + excluded.${column}`).join(', ')}`,
      values,
    );
    this.#isBeingWritten = true;
  }
}
