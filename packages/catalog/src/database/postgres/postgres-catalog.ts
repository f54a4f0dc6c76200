import type pg from 'pg';
import { type BytePath, childPath, nameFromBytes, pathFromBytes, toBytes } from '../../byte-path.js';
import type {
  BeginScanOptions,
  Catalog,
  ChangeFilter,
  MutationFilter,
  ScanFilter,
  ScanSession,
} from '../catalog.js';
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
  type ChangeRow,
  DIRECTORY_COLUMNS,
  type DirectoryRow,
  directoryRecord,
  fileChange,
  type MutationRow,
  mutation,
  type ScanRow,
  scanRun,
} from '../row-mapping.js';
import type { BeginWatchOptions, WatchRecorder } from '../watch-recorder.js';
import { connect, type PostgresPlace, parsePostgresUrl, translated } from './connection.js';
import { hangUp } from './hang-up.js';
import { changesQuery, scansQuery } from './history-queries.js';
import { addHost, findHost, lockHost } from './hosts.js';
import { mutationsQuery } from './mutations-query.js';
import { hasSchema, openSchema } from './open-schema.js';
import { ensurePartitions } from './partitions.js';
import { AT_PATH, readDirectory } from './read-directories.js';
import { readStream, type StreamQuery } from './read-stream.js';
import { ReaderPool } from './reader-pool.js';

/** How to open a catalog in PostgreSQL. */
interface PostgresOptions {
  readonly create: boolean;
  /** Whose trees are read and recorded: several hosts may share a database, each sees its own. */
  readonly host: string;
}

/** The trees of one host in a PostgreSQL database. */
class PostgresCatalog implements Catalog {
  #host: number | undefined;

  constructor(
    private readonly place: PostgresPlace,
    private readonly hostName: string,
    private readonly readers: ReaderPool,
  ) {}

  beginScan(options: BeginScanOptions): Promise<ScanSession> {
    return this.#attempt(async () => {
      // Who only reads needs none of what writes.
      const { PostgresScanSession } = await import('./session.js');
      const client = await connect(this.place);
      try {
        if (options.isPreview && !(await this.#isKnown(client, options.root))) {
          await client.end();
          const { BaselinePreview } = await import('../baseline-preview.js');
          return new BaselinePreview(options);
        }
        await ensurePartitions(client, Date.now());
        this.#host ??= await addHost(client, this.hostName);
        const host = this.#host;
        await client.query('BEGIN');
        await lockHost(client, { id: host, name: this.hostName }, this.place);
        return await PostgresScanSession.begin({
          ...options,
          client,
          readers: this.readers,
          host,
          translate: (error) => translated(this.place, error),
        });
      } catch (error) {
        await hangUp(client);
        throw error;
      }
    });
  }

  beginWatch(options: BeginWatchOptions): Promise<WatchRecorder> {
    return this.#attempt(async () => {
      const { PostgresWatchRecorder } = await import('./watch-recorder.js');
      const host = await this.#ownHost();
      return new PostgresWatchRecorder({
        ...options,
        connect: () => connect(this.place),
        readers: this.readers,
        host,
        translate: (error) => translated(this.place, error),
      });
    });
  }

  scans(filter: ScanFilter = {}): AsyncIterable<ScanRun> {
    return this.#stream<ScanRow, ScanRun>((host) => scansQuery(host, filter), scanRun);
  }

  changes(filter: ChangeFilter = {}): AsyncIterable<FileChange> {
    return this.#stream<ChangeRow, FileChange>((host) => changesQuery(host, filter), fileChange);
  }

  mutations(filter: MutationFilter = {}): AsyncIterable<Mutation> {
    return this.#stream<MutationRow, Mutation>((host) => mutationsQuery(host, filter), mutation);
  }

  mutationCursor(): Promise<number> {
    return this.#attempt(async () => {
      const host = await this.#findHost();
      if (host === undefined) return 0;
      const { rows } = await this.readers.query<{ cursor: bigint }>(
        'SELECT coalesce(max(sequence), 0) AS cursor FROM mutation_log WHERE host_id = $1',
        [host],
      );
      return Number(rows[0]?.cursor);
    });
  }

  errors(scan: ScanId): AsyncIterable<ScanError> {
    return this.#stream<{ path: Buffer; errno: bigint }, ScanError>(
      (host) => ({
        text: `SELECT path, errno FROM scan_errors
          WHERE scan_id = (SELECT id FROM scan_runs WHERE host_id = $1 AND id = $2) ORDER BY sequence`,
        values: [host, scan],
      }),
      ({ path, errno }) => ({ scan, path: pathFromBytes(path), errno: Number(errno) }),
    );
  }

  directory(path: BytePath): Promise<DirectoryRecord | undefined> {
    return this.#attempt(async () => {
      const host = await this.#findHost();
      return host === undefined ? undefined : readDirectory(this.readers, host, path);
    });
  }

  subdirectories(path: BytePath): AsyncIterable<DirectoryRecord> {
    return this.#stream<DirectoryRow, DirectoryRecord>(
      (host) => ({
        text: `SELECT ${DIRECTORY_COLUMNS} FROM directories
          WHERE parent_id = (SELECT id FROM directories WHERE ${AT_PATH}) ORDER BY name`,
        values: [host, toBytes(path)],
      }),
      (row) => directoryRecord(childPath(path, nameFromBytes(row.name)), row),
    );
  }

  files(path: BytePath): AsyncIterable<FileRecord> {
    return this.#stream<AttributeRow & { readonly name: Buffer }, FileRecord>(
      (host) => ({
        text: `SELECT files.name, files.mode, files.uid, files.gid, files.links,
            coalesce(files.device, directories.device) AS device, files.inode, files.size, files.allocated,
            files.mtime_ns, files.ctime_ns, files.born_ns
          FROM directories JOIN files ON directory_id = directories.id WHERE ${AT_PATH} ORDER BY files.name`,
        values: [host, toBytes(path)],
      }),
      (row) => {
        const name = nameFromBytes(row.name);
        return { path: childPath(path, name), name, ...attributesFromRow(row) };
      },
    );
  }

  async close(): Promise<void> {
    await this.readers.end();
  }

  /** Whether a directory was scanned; a machine of which nothing was is not made known by asking. */
  async #isKnown(client: pg.Client, path: BytePath): Promise<boolean> {
    this.#host ??= await findHost(client, this.hostName);
    return this.#host !== undefined && (await readDirectory(client, this.#host, path)) !== undefined;
  }

  /** The host's number; it is given one if need be. */
  async #ownHost(): Promise<number> {
    if (this.#host !== undefined) return this.#host;
    const client = await this.readers.connect();
    try {
      this.#host = await addHost(client, this.hostName);
      return this.#host;
    } finally {
      client.release();
    }
  }

  /** The host's number; undefined as long as nothing of it was recorded. */
  async #findHost(): Promise<number | undefined> {
    this.#host ??= await findHost(this.readers, this.hostName);
    return this.#host;
  }

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- a row is what the caller's query selects
  async *#stream<Row extends object, Item>(
    query: (host: number) => StreamQuery,
    toItem: (row: Row) => Item,
  ): AsyncGenerator<Item> {
    try {
      const host = await this.#findHost();
      if (host === undefined) return;
      for await (const row of readStream<Row & pg.QueryResultRow>(this.readers, query(host)))
        yield toItem(row);
    } catch (error) {
      throw translated(this.place, error);
    }
  }

  async #attempt<Result>(run: () => Promise<Result>): Promise<Result> {
    try {
      return await run();
    } catch (error) {
      throw translated(this.place, error);
    }
  }
}

/**
 * Opens the catalog in a PostgreSQL database and brings its schema up to date. Throws {@link CatalogError}:
 * `foreign_database`, `newer_schema` or `unavailable`.
 */
export async function openPostgresCatalog(url: string, { create, host }: PostgresOptions): Promise<Catalog> {
  const place = parsePostgresUrl(url);
  const readers = new ReaderPool(place);
  try {
    const client = await readers.connect();
    try {
      await openSchema(client, place, { create });
    } catch (error) {
      client.release(true);
      throw error;
    }
    // The first who reads goes on with it.
    client.release();
    return new PostgresCatalog(place, host, readers);
  } catch (error) {
    await readers.end();
    throw translated(place, error);
  }
}

/** Whether a PostgreSQL database has a catalog, or something else of that name. Throws {@link CatalogError} `unavailable`. */
export async function hasPostgresCatalog(url: string): Promise<boolean> {
  const place = parsePostgresUrl(url);
  const client = await connect(place);
  try {
    return await hasSchema(client);
  } catch (error) {
    throw translated(place, error);
  } finally {
    await hangUp(client);
  }
}
