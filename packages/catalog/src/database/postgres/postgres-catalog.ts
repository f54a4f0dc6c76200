import pg from 'pg';
import { type BytePath, childPath, nameFromBytes, pathFromBytes, toBytes } from '../../byte-path.js';
import { BaselinePreview } from '../baseline-preview.js';
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
import {
  connect,
  connectionOptions,
  type PostgresPlace,
  parsePostgresUrl,
  translated,
} from './connection.js';
import { changesQuery, scansQuery } from './history-queries.js';
import { mutationsQuery } from './mutations-query.js';
import { openSchema } from './open-schema.js';
import { ensurePartitions } from './partitions.js';
import { AT_PATH, readDirectory } from './read-directories.js';
import { readStream, type StreamQuery } from './read-stream.js';
import { PostgresScanSession } from './session.js';
import { PostgresWatchRecorder } from './watch-recorder.js';

/** How long a scan waits for another one of the same host to end before it is refused. */
const BUSY_TIMEOUT_MS = 2_000;

/** Connections for reading that are kept open; a scan has one more of its own. */
const MAX_READERS = 8;

/** First half of the key of the advisory lock that a scan holds; the second is the host's number. */
const SCAN_LOCK = 0x4674_7363;

/** PostgreSQL's code for a lock that was not given in time. */
const LOCK_NOT_AVAILABLE = '55P03';

/** How to open a catalog in PostgreSQL. */
interface PostgresOptions {
  readonly create: boolean;
  /** Whose trees are read and recorded: several hosts may share a database, each sees its own. */
  readonly host: string;
}

/** The trees of one host in a PostgreSQL database. */
class PostgresCatalog implements Catalog {
  readonly #readers: pg.Pool;

  constructor(
    private readonly place: PostgresPlace,
    private readonly hostName: string,
    private host: number | undefined,
  ) {
    this.#readers = new pg.Pool({ ...connectionOptions(place), max: MAX_READERS, allowExitOnIdle: true });
    // An idle connection that is lost is replaced by the next reader.
    this.#readers.on('error', () => {});
  }

  beginScan(options: BeginScanOptions): Promise<ScanSession> {
    return this.#attempt(async () => {
      const client = await connect(this.place);
      try {
        await ensurePartitions(client, Date.now());
        this.host ??= await addHost(client, this.hostName);
        const host = this.host;
        await client.query('BEGIN');
        await this.#lock(client, host);
        if (options.isPreview && !(await readDirectory(client, host, options.root))) {
          await client.end();
          return new BaselinePreview(options);
        }
        return await PostgresScanSession.begin({
          ...options,
          client,
          readers: this.#readers,
          host,
          translate: (error) => translated(this.place, error),
        });
      } catch (error) {
        await client.end().catch(() => {});
        throw error;
      }
    });
  }

  beginWatch(options: BeginWatchOptions): Promise<WatchRecorder> {
    return this.#attempt(async () => {
      const host = await this.#ownHost();
      const tryLock = async (client: pg.Client) => {
        const { rows } = await client.query<{ locked: boolean }>(
          'SELECT pg_try_advisory_xact_lock($1, $2) AS locked',
          [SCAN_LOCK, host],
        );
        return rows[0]?.locked === true;
      };
      return new PostgresWatchRecorder({
        ...options,
        connect: () => connect(this.place),
        readers: this.#readers,
        host,
        tryLock,
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
      const { rows } = await this.#readers.query<{ cursor: bigint }>(
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
      return host === undefined ? undefined : readDirectory(this.#readers, host, path);
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
    await this.#readers.end();
  }

  async #lock(client: pg.Client, host: number): Promise<void> {
    try {
      await client.query(`SET LOCAL lock_timeout = ${BUSY_TIMEOUT_MS}`);
      await client.query('SELECT pg_advisory_xact_lock($1, $2)', [SCAN_LOCK, host]);
      await client.query('SET LOCAL lock_timeout = 0');
    } catch (error) {
      if (!(error instanceof pg.DatabaseError) || error.code !== LOCK_NOT_AVAILABLE) throw error;
      const message = `another scan or watch of ${this.hostName} is writing to the catalog ${this.place.shown}; try again when it has finished`;
      throw new CatalogError('busy', message, { cause: error });
    }
  }

  /** The host's number; it is given one if need be. */
  async #ownHost(): Promise<number> {
    if (this.host !== undefined) return this.host;
    const client = await this.#readers.connect();
    try {
      this.host = await addHost(client, this.hostName);
      return this.host;
    } finally {
      client.release();
    }
  }

  /** The host's number; undefined as long as nothing of it was recorded. */
  async #findHost(): Promise<number | undefined> {
    if (this.host !== undefined) return this.host;
    const { rows } = await this.#readers.query<{ id: bigint }>('SELECT id FROM hosts WHERE name = $1', [
      this.hostName,
    ]);
    this.host = rows[0] && Number(rows[0].id);
    return this.host;
  }

  // The row's type is what the caller says of the columns that its query selects.
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters
  async *#stream<Row extends object, Item>(
    query: (host: number) => StreamQuery,
    toItem: (row: Row) => Item,
  ): AsyncGenerator<Item> {
    try {
      const host = await this.#findHost();
      if (host === undefined) return;
      for await (const row of readStream<Row & pg.QueryResultRow>(this.#readers, query(host)))
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

async function addHost(client: pg.ClientBase, name: string): Promise<number> {
  const found = await client.query<{ id: bigint }>('SELECT id FROM hosts WHERE name = $1', [name]);
  if (found.rows[0]) return Number(found.rows[0].id);
  const { rows } = await client.query<{ id: bigint }>(
    'INSERT INTO hosts (name) VALUES ($1) ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id',
    [name],
  );
  return Number(rows[0]?.id);
}

/**
 * Opens the catalog in a PostgreSQL database and brings its schema up to date. Throws {@link CatalogError}:
 * `foreign_database`, `newer_schema` or `unavailable`.
 */
export async function openPostgresCatalog(url: string, { create, host }: PostgresOptions): Promise<Catalog> {
  const place = parsePostgresUrl(url);
  await openSchema(place, { create });
  return new PostgresCatalog(place, host, undefined);
}
