import type { Database } from 'better-sqlite3';
import { type BytePath, childPath, nameFromBytes } from '../../byte-path.js';
import type {
  BeginScanOptions,
  Catalog,
  ChangeFilter,
  MutationFilter,
  ScanFilter,
  ScanSession,
} from '../catalog.js';
import { CatalogError } from '../errors.js';
import type {
  DirectoryRecord,
  FileChange,
  FileRecord,
  Mutation,
  ScanError,
  ScanId,
  ScanRun,
} from '../records.js';
import {
  type AttributeRow,
  attributesFromRow,
  DIRECTORY_COLUMNS,
  type DirectoryRow,
  directoryRecord,
} from '../row-mapping.js';
import type { BeginWatchOptions, WatchRecorder } from '../watch-recorder.js';
import { openForReading, openForWatching, openForWriting, translated, translating } from './open-database.js';
import { ReadConnections } from './read-connections.js';
import { findDirectory, readDirectory } from './read-directories.js';
import { readChanges, readErrors, readScans } from './read-history.js';
import { mutationCursor, readMutations } from './read-mutations.js';

/** A catalog in one SQLite file. */
class SqliteCatalog implements Catalog {
  readonly #readers: ReadConnections;
  #isScanning = false;

  /** `file` must have been opened for writing once, see {@link openSqliteCatalog}. */
  constructor(private readonly file: string) {
    this.#readers = new ReadConnections(file);
  }

  async beginScan(options: BeginScanOptions): Promise<ScanSession> {
    // Who only reads needs none of what writes, and a first look that records nothing neither.
    if (options.isPreview && (await this.directory(options.root)) === undefined) {
      const { BaselinePreview } = await import('../baseline-preview.js');
      return new BaselinePreview(options);
    }
    const { SqliteScanSession } = await import('./session.js');
    return this.#attempt(() => {
      // One connection waiting for another of the same process would wait in vain.
      if (this.#isScanning) throw new CatalogError('busy', 'a scan into this catalog is running already');
      const database = openForWriting(this.file);
      try {
        const session = new SqliteScanSession({
          ...options,
          database,
          onEnd: () => {
            this.#isScanning = false;
          },
          translate: (error) => translated(this.file, error),
        });
        this.#isScanning = true;
        return session;
      } catch (error) {
        database.close();
        throw error;
      }
    });
  }

  async beginWatch(options: BeginWatchOptions): Promise<WatchRecorder> {
    // No scan waits until it is loaded.
    const { SqliteWatchRecorder } = await import('./watch-recorder.js');
    return this.#attempt(() => {
      const writer = openForWatching(this.file);
      try {
        const translate = (error: unknown) => translated(this.file, error);
        return new SqliteWatchRecorder({ ...options, writer, reader: openForReading(this.file), translate });
      } catch (error) {
        writer.close();
        throw error;
      }
    });
  }

  scans(filter: ScanFilter = {}): AsyncIterable<ScanRun> {
    return this.#stream((database) => readScans(database, filter));
  }

  changes(filter: ChangeFilter = {}): AsyncIterable<FileChange> {
    return this.#stream((database) => readChanges(database, filter));
  }

  mutations(filter: MutationFilter = {}): AsyncIterable<Mutation> {
    return this.#stream((database) => readMutations(database, filter));
  }

  mutationCursor(): Promise<number> {
    return this.#read(mutationCursor);
  }

  errors(scan: ScanId): AsyncIterable<ScanError> {
    return this.#stream((database) => readErrors(database, scan));
  }

  directory(path: BytePath): Promise<DirectoryRecord | undefined> {
    return this.#read((database) => readDirectory(database, path));
  }

  subdirectories(path: BytePath): AsyncIterable<DirectoryRecord> {
    return this.#stream(function* (database) {
      const parent = findDirectory(database, path);
      if (parent === undefined) return;
      const rows = database
        .prepare<[bigint], DirectoryRow>(
          `SELECT ${DIRECTORY_COLUMNS} FROM directories WHERE parent_id = ? ORDER BY name`,
        )
        .safeIntegers();
      for (const row of rows.iterate(parent))
        yield directoryRecord(childPath(path, nameFromBytes(row.name)), row);
    });
  }

  files(path: BytePath): AsyncIterable<FileRecord> {
    return this.#stream(function* (database) {
      const directory = findDirectory(database, path);
      if (directory === undefined) return;
      const rows = database
        .prepare<[bigint], AttributeRow & { readonly name: Buffer }>(
          `SELECT files.name, files.mode, files.uid, files.gid, files.links,
             coalesce(files.device, directories.device) AS device, files.inode, files.size, files.allocated,
             files.mtime_ns, files.ctime_ns, files.born_ns
           FROM files JOIN directories ON directories.id = directory_id WHERE directory_id = ? ORDER BY files.name`,
        )
        .safeIntegers();
      for (const row of rows.iterate(directory)) {
        const name = nameFromBytes(row.name);
        yield { path: childPath(path, name), name, ...attributesFromRow(row) };
      }
    });
  }

  async close(): Promise<void> {
    // A session has a connection of its own, which it closes itself; a stream under way too.
    this.#readers.close();
  }

  #read<Result>(read: (database: Database) => Result): Promise<Result> {
    return this.#attempt(() => {
      const connection = this.#readers.take();
      let hasFailed = true;
      try {
        const result = read(connection.database);
        hasFailed = false;
        return result;
      } finally {
        this.#readers.give(connection, { hasFailed });
      }
    });
  }

  /** A stream sees one state of the catalog: it has a connection to itself, and so a snapshot. */
  async *#stream<Item>(read: (database: Database) => Iterable<Item>): AsyncGenerator<Item> {
    const connection = translating(this.file, () => this.#readers.take());
    let hasFailed = false;
    try {
      connection.database.exec('BEGIN');
      yield* read(connection.database);
    } catch (error) {
      hasFailed = true;
      throw translated(this.file, error);
    } finally {
      if (!hasFailed) connection.database.exec('COMMIT');
      this.#readers.give(connection, { hasFailed });
    }
  }

  // oxlint-disable-next-line typescript/require-await -- async so that what the database throws becomes a rejection
  async #attempt<Result>(run: () => Result): Promise<Result> {
    return translating(this.file, run);
  }
}

/**
 * Opens the catalog in a SQLite file; makes the file and its directory where there is none, and brings its schema up
 * to date. Throws {@link CatalogError}: `foreign_database`, `newer_schema`, `busy` or `unavailable`.
 */
export function openSqliteCatalog(file: string): Catalog {
  openForWriting(file).close();
  return new SqliteCatalog(file);
}
