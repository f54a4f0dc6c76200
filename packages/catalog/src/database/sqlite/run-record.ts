import type { Database, Statement } from 'better-sqlite3';
import { type BytePath, toBytes } from '../../byte-path.js';
import type { BeginScanOptions } from '../catalog.js';
import type { ScanRun, Totals } from '../records.js';
import type { ChangeLog } from './change-log.js';

/** The `scan_runs` row of a session, and what it could not read. */
export class RunRecord {
  readonly id: number;
  readonly #startedAt = Date.now();
  readonly #addError: Statement<[number, Uint8Array, number]>;
  #errors = 0;
  #unreadable = 0;

  constructor(
    private readonly database: Database,
    private readonly options: BeginScanOptions & { readonly isBaseline: boolean },
  ) {
    const { root, source, isBaseline, metadata = {} } = options;
    const inserted = database
      .prepare(
        `INSERT INTO scan_runs (root, source, status, is_baseline, started_at, metadata)
         VALUES (?, ?, 'running', ?, ?, ?)`,
      )
      .run(toBytes(root), source, isBaseline ? 1 : 0, this.#startedAt, JSON.stringify(metadata));
    this.id = Number(inserted.lastInsertRowid);
    this.#addError = database.prepare('INSERT INTO scan_errors (scan_id, path, errno) VALUES (?, ?, ?)');
  }

  /** Notes something that could not be read. */
  addError(path: BytePath, errno: number): void {
    this.#errors++;
    this.#addError.run(this.id, toBytes(path), errno);
  }

  countUnreadableDirectory(): void {
    this.#unreadable++;
  }

  /** Writes the history and the run's sums. */
  finish(log: ChangeLog, totals: Totals = { files: 0, directories: 0, bytes: 0, allocated: 0 }): ScanRun {
    const { root, source, isBaseline, metadata = {} } = this.options;
    const finishedAt = Date.now();
    const changes = log.tallies();
    log.publish(this.id, finishedAt);
    const run: ScanRun = {
      id: this.id,
      root,
      source,
      startedAt: this.#startedAt,
      finishedAt,
      historySince: null,
      isBaseline,
      totals,
      changes,
      errors: this.#errors,
      unreadableDirectories: this.#unreadable,
      metadata,
    };
    this.#write(run);
    return run;
  }

  #write({
    id,
    finishedAt,
    totals,
    changes,
    errors,
    unreadableDirectories,
    isBaseline,
    root,
  }: ScanRun): void {
    const { new: added, modified, renamed, removed, newDirectories, removedDirectories } = changes;
    this.database
      .prepare(
        `UPDATE scan_runs SET status = 'finished', finished_at = ?, files = ?, directories = ?, bytes = ?,
           allocated = ?, new_files = ?, new_bytes = ?, modified_files = ?, modified_bytes = ?, renamed_files = ?,
           renamed_bytes = ?, removed_files = ?, removed_bytes = ?, new_directories = ?, removed_directories = ?,
           errors = ?, unreadable_directories = ? WHERE id = ?`,
      )
      .run(
        finishedAt,
        totals.files,
        totals.directories,
        totals.bytes,
        totals.allocated,
        ...[added, modified, renamed, removed].flatMap(({ files, bytes }) => [files, bytes]),
        newDirectories,
        removedDirectories,
        errors,
        unreadableDirectories,
        id,
      );
    const found = this.database.prepare('SELECT 1 FROM file_changes WHERE scan_id = ? LIMIT 1').get(id);
    if (!found && !isBaseline) return;
    this.database
      .prepare("INSERT INTO mutation_log (recorded_at, kind, path, scan_id) VALUES (?, 'scan', ?, ?)")
      .run(finishedAt, toBytes(root), id);
  }
}
