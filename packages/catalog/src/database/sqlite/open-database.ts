import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeDirectory } from '@filetracker/durable-fs/make-directory';
import type { Database } from 'better-sqlite3';
import { CatalogError } from '../errors.js';
import { Sqlite } from './driver.js';
import { MIGRATIONS } from './migrations.js';

/** "FtCl" in PRAGMA application_id marks a database as a catalog. */
const APPLICATION_ID = 0x4674436c;

/** How long a connection waits for another's write to end before it gives up. */
const BUSY_TIMEOUT_MS = 5_000;

/** KiB of the database that a connection keeps in memory which writes a scan: it touches all of it. */
const WRITER_CACHE_KIB = 64 * 1024;

/** ... and one that writes the batches of a watch, for as long as the watch runs. */
const WATCH_CACHE_KIB = 16 * 1024;

/**
 * Opens a catalog file for writing and brings its schema up to date; makes it and its directory where there is none.
 * Throws {@link CatalogError}: `foreign_database`, `newer_schema`, `busy` or `unavailable`.
 */
export function openForWriting(file: string): Database {
  return translating(file, () => {
    makeDirectory(dirname(file));
    const database = new Sqlite(file, { timeout: BUSY_TIMEOUT_MS });
    try {
      checkOwner(database, file);
      database.pragma('journal_mode = WAL');
      // A power cut may take the last scan away, whole; it cannot damage the catalog.
      database.pragma('synchronous = NORMAL');
      database.pragma(`cache_size = -${WRITER_CACHE_KIB}`);
      migrate(database);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

/**
 * Lets the first scan of a catalog write its pages into the file and not into the log, from where they would have to
 * be copied: there is nothing yet that others could go on reading. Until it is over they find the catalog busy; a
 * program that dies leaves it empty. Changes nothing where there are runs or other connections.
 */
export function leaveLog(database: Database): void {
  if (database.prepare('SELECT 1 FROM scan_runs LIMIT 1').get() === undefined) tryJournal(database, 'DELETE');
}

/** Goes back to the log; if others keep that from happening, the next connection for writing does. */
export function returnToLog(database: Database): void {
  tryJournal(database, 'WAL');
}

function tryJournal(database: Database, mode: 'DELETE' | 'WAL'): void {
  try {
    database.pragma(`journal_mode = ${mode}`);
  } catch (error) {
    if (!isBusy(error)) throw error;
  }
}

/** As {@link openForWriting}, for a connection that fails at once when another one writes instead of waiting. */
export function openForWatching(file: string): Database {
  const database = openForWriting(file);
  database.pragma('busy_timeout = 0');
  database.pragma(`cache_size = -${WATCH_CACHE_KIB}`);
  return database;
}

/** Opens a catalog file that exists for reading. Throws {@link CatalogError} as {@link openForWriting} does. */
export function openForReading(file: string): Database {
  return translating(file, () => {
    return new Sqlite(file, { readonly: true, fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
  });
}

/** Runs something on a database and turns SQLite's errors into {@link CatalogError}. */
export function translating<Result>(file: string, run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    throw translated(file, error);
  }
}

const WORDS: Readonly<Record<string, string>> = {
  SQLITE_FULL: 'the disk is full',
  EACCES: 'its directory cannot be made: permission denied',
  ENOENT: 'its directory cannot be made',
  ENOTDIR: 'what should be its directory is none',
  ENOSPC: 'the disk is full',
  EROFS: 'the file system is read-only',
};

/** SQLite's error as a {@link CatalogError}; anything else as it is. */
export function translated(file: string, error: unknown): unknown {
  const code = codeOf(error);
  if (isBusy(error)) {
    const message = `another scan or watch is writing to the catalog ${file}; try again when it has finished`;
    return new CatalogError('busy', message, { cause: error });
  }
  if (code === 'SQLITE_NOTADB' || code === 'SQLITE_CORRUPT') {
    return new CatalogError('foreign_database', `${file} is not a catalog, or is damaged`, { cause: error });
  }
  const isSystemError = /^(SQLITE_|E[A-Z]+$)/.test(code);
  if (!isSystemError || !(error instanceof Error)) return error;
  // Also to be read a catalog must be written: its readers tell each other what they look at.
  const isReadOnly = /^SQLITE_(CANTOPEN|READONLY)/.test(code);
  const reason = statSync(file, { throwIfNoEntry: false })?.isDirectory()
    ? 'it is a directory'
    : isReadOnly
      ? 'it and its directory must be writable, also for reports'
      : (WORDS[code] ?? error.message);
  return new CatalogError('unavailable', `cannot use the catalog ${file}: ${reason}`, { cause: error });
}

function isBusy(error: unknown): boolean {
  const code = codeOf(error);
  return code.startsWith('SQLITE_BUSY') || code === 'SQLITE_LOCKED';
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function checkOwner(database: Database, file: string): void {
  const id = database.pragma('application_id', { simple: true });
  if (id === APPLICATION_ID) return;
  const tables = database.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() as number;
  if (tables > 0) throw new CatalogError('foreign_database', `${file} is a database of another program`);
}

function migrate(database: Database): void {
  const schemaVersion = () => database.pragma('user_version', { simple: true }) as number;
  const refuseNewer = () => {
    if (schemaVersion() <= MIGRATIONS.length) return;
    const message = `the catalog was made by a newer version of this program (schema ${schemaVersion()})`;
    throw new CatalogError('newer_schema', message);
  };
  refuseNewer();
  if (schemaVersion() === MIGRATIONS.length) return;
  database
    .transaction(() => {
      // Another process may have migrated while this one waited for the lock.
      refuseNewer();
      for (const step of MIGRATIONS.slice(schemaVersion())) database.exec(step);
      database.pragma(`application_id = ${APPLICATION_ID}`);
      database.pragma(`user_version = ${MIGRATIONS.length}`);
    })
    .immediate();
}
