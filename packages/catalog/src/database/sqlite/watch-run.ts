import { constants } from 'node:os';
import type { Database } from 'better-sqlite3';
import { type BytePath, toBytes } from '../../byte-path.js';
import type { ChangeTallies, Totals } from '../records.js';
import type { BeginWatchOptions } from '../watch-recorder.js';
import type { ChangeLog } from './change-log.js';
import { prepared } from './prepared.js';

const { ENOENT, ENOTDIR } = constants.errno;

/** Errors that are remembered so that each is written once; what repeats is not worth more rows. */
const MAX_REMEMBERED = 10_000;

/** What one batch adds to the run. */
interface BatchSums {
  readonly recordedAt: number;
  readonly changes: ChangeTallies;
  readonly totals: Totals | undefined;
}

/** The `scan_runs` row of a watch, made by the first batch that has something to tell, and what it could not read. */
export class WatchRun {
  readonly #startedAt = Date.now();
  readonly #seenErrors = new Set<string>();
  #id: number | undefined;
  #newErrors: { readonly path: BytePath; readonly errno: number }[] = [];
  #unreadable = 0;
  #lastRecordedAt = 0;

  constructor(private readonly options: BeginWatchOptions) {}

  get id(): number | undefined {
    return this.#id;
  }

  /** A time for the next batch: each of a run has its own. */
  nextMoment(): number {
    this.#lastRecordedAt = Math.max(Date.now(), this.#lastRecordedAt + 1);
    return this.#lastRecordedAt;
  }

  /** Notes something that could not be read. What a watch finds gone is nothing special. */
  addError(path: BytePath, errno: number): void {
    if (errno === ENOENT || errno === ENOTDIR) return;
    const key = `${errno} ${path}`;
    if (this.#seenErrors.has(key)) return;
    if (this.#seenErrors.size >= MAX_REMEMBERED) this.#seenErrors.clear();
    this.#seenErrors.add(key);
    this.#newErrors.push({ path, errno });
  }

  countUnreadableDirectory(): void {
    this.#unreadable++;
  }

  /** Writes what a batch came to, its history included; an error that was noted counts as something to tell. */
  add(database: Database, log: ChangeLog, { recordedAt, changes, totals }: BatchSums): void {
    if (log.isEmpty && this.#newErrors.length === 0) return;
    const id = this.#ensureRow(database);
    log.publish(id, recordedAt);
    log.publishMutations(id, recordedAt);
    const insertError = prepared(database, 'INSERT INTO scan_errors (scan_id, path, errno) VALUES (?, ?, ?)');
    for (const { path, errno } of this.#newErrors) insertError.run(id, toBytes(path), errno);
    const { new: added, modified, renamed, removed, newDirectories, removedDirectories } = changes;
    prepared(
      database,
      `UPDATE scan_runs SET finished_at = ?, history_since = NULL, files = ?, directories = ?, bytes = ?, allocated = ?,
           new_files = new_files + ?, new_bytes = new_bytes + ?,
           modified_files = modified_files + ?, modified_bytes = modified_bytes + ?,
           renamed_files = renamed_files + ?, renamed_bytes = renamed_bytes + ?,
           removed_files = removed_files + ?, removed_bytes = removed_bytes + ?,
           new_directories = new_directories + ?, removed_directories = removed_directories + ?,
           errors = errors + ?, unreadable_directories = unreadable_directories + ? WHERE id = ?`,
    ).run(
      recordedAt,
      totals?.files ?? 0,
      totals?.directories ?? 0,
      totals?.bytes ?? 0,
      totals?.allocated ?? 0,
      ...[added, modified, renamed, removed].flatMap(({ files, bytes }) => [files, bytes]),
      newDirectories,
      removedDirectories,
      this.#newErrors.length,
      this.#newErrors.length > 0 ? this.#unreadable : 0,
      id,
    );
  }

  /** Ends a batch; `isDurable` tells whether what it wrote is there. */
  endBatch(isDurable: boolean, before: number | undefined): void {
    if (!isDurable) {
      this.#id = before;
      for (const { path, errno } of this.#newErrors) this.#seenErrors.delete(`${errno} ${path}`);
    }
    this.#newErrors = [];
    this.#unreadable = 0;
  }

  /** Makes the row where there is none, also where pruning has taken it: a watch may be quiet for months. */
  #ensureRow(database: Database): number {
    const known = this.#id;
    const isThere =
      known !== undefined &&
      prepared(database, 'SELECT 1 FROM scan_runs WHERE id = ?').get(known) !== undefined;
    this.#id = isThere ? known : this.#insert(database);
    return this.#id;
  }

  #insert(database: Database): number {
    const { root, metadata = {} } = this.options;
    const inserted = prepared(
      database,
      `INSERT INTO scan_runs (root, source, status, is_baseline, started_at, finished_at, metadata)
         VALUES (?, 'watch', 'finished', 0, ?, ?, ?)`,
    ).run(toBytes(root), this.#startedAt, this.#startedAt, JSON.stringify(metadata));
    return Number(inserted.lastInsertRowid);
  }
}
