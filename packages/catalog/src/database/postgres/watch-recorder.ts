import type pg from 'pg';
import { type BytePath, childPath, isWithin, pathFromBytes, splitPath, toBytes } from '../../byte-path.js';
import { readListings } from '../../listing/directory-listing.js';
import { CatalogError } from '../errors.js';
import type {
  BeginWatchOptions,
  KnownDirectory,
  KnownPlace,
  RecordedBatch,
  WatchBatch,
  WatchRecorder,
} from '../watch-recorder.js';
import { applyChanges } from './apply-changes.js';
import { tallies } from './change-tallies.js';
import { findDiffering } from './find-differing.js';
import { hangUp } from './hang-up.js';
import { tryLockHost } from './hosts.js';
import { ensurePartitions } from './partitions.js';
import { readDirectory } from './read-directories.js';
import { readKnownMounts } from './read-known-mounts.js';
import { readStream } from './read-stream.js';
import type { ReaderPool } from './reader-pool.js';
import { type Merge, resolveDirectories } from './resolve-directories.js';
import { ListingStager } from './stage-listings.js';
import { Staging } from './staging.js';
import { findStaleLinks } from './stale-links.js';
import { WatchRun } from './watch-run.js';
import { writeDirectories } from './write-directories.js';

/** Directories that are yielded together, and paths that one query asks for. */
const LOT = 2_000;

/** How often the partitions of the history are looked after, in milliseconds. */
const PARTITIONS_EVERY = 6 * 3600 * 1000;

/** What a recorder is given. */
interface RecorderOptions extends BeginWatchOptions {
  /** Opens a connection for batches; a new one when the last one was lost. */
  readonly connect: () => Promise<pg.Client>;
  /** For questions. */
  readonly readers: ReaderPool;
  readonly host: number;
  /** Turns what the database throws into what callers know. */
  readonly translate: (error: unknown) => unknown;
}

/** Records a watch in PostgreSQL: one transaction a batch, through a staging table as a scan. */
export class PostgresWatchRecorder implements WatchRecorder {
  readonly #run: WatchRun;
  #client: pg.Client | undefined;
  #partitionsAt = 0;

  constructor(private readonly options: RecorderOptions) {
    this.#run = new WatchRun(options);
  }

  async *directories(): AsyncGenerator<readonly KnownDirectory[]> {
    const { readers, host, root, translate } = this.options;
    const query = {
      text: `SELECT path, device, inode, mtime_ns, ctime_ns FROM directories WHERE host_id = $1 AND lineage <@ (
        SELECT lineage FROM directories WHERE host_id = $1 AND sha256(path) = sha256($2::bytea) AND path = $2)
        ORDER BY path`,
      values: [host, toBytes(root)],
    };
    let lot: KnownDirectory[] = [];
    try {
      for await (const row of readStream<DirectoryTimes>(readers, query)) {
        const { inode, mtime_ns: mtimeNs, ctime_ns: ctimeNs } = row;
        lot.push({ path: pathFromBytes(row.path), device: Number(row.device), inode, mtimeNs, ctimeNs });
        if (lot.length < LOT) continue;
        yield lot;
        lot = [];
      }
      if (lot.length > 0) yield lot;
    } catch (error) {
      throw translate(error);
    }
  }

  knownMounts(): Promise<readonly BytePath[]> {
    const { readers, host, root } = this.options;
    return this.#attempt(() => readKnownMounts(readers, host, root));
  }

  nearestKnown(paths: readonly BytePath[]): Promise<readonly (KnownPlace | undefined)[]> {
    return this.#attempt(async () => {
      const { root } = this.options;
      const asked = new Set<BytePath>();
      for (const path of paths) {
        for (let at: BytePath | undefined = path; at !== undefined && isWithin(at, root); ) {
          asked.add(at);
          at = splitPath(at)?.parent;
        }
      }
      const known = await this.#known([...asked]);
      return paths.map((path) => {
        for (let at: BytePath | undefined = path; at !== undefined; at = splitPath(at)?.parent) {
          const isRead = known.get(at);
          if (isRead !== undefined) return { path: at, isRead };
        }
        return undefined;
      });
    });
  }

  differing(listings: Uint8Array): Promise<readonly BytePath[]> {
    return this.#attempt(async () => {
      const { readers, host, root } = this.options;
      const seen = [...readListings(listings)].filter(({ state }) => state !== 'part');
      const whole = seen.filter(({ state }) => state === 'read');
      const differing = await findDiffering(readers, whole, { host, root });
      const others = seen.filter(({ state }) => state !== 'read');
      const known = await this.#known(others.map(({ path }) => path));
      const changed = others.filter(({ path, isGone }) => isGone || !known.has(path));
      return [...differing, ...changed].map(({ path }) => path);
    });
  }

  beginBatch(): Promise<WatchBatch> {
    return this.#attempt(async () => {
      const client = (this.#client ??= await this.options.connect());
      try {
        if (Date.now() - this.#partitionsAt > PARTITIONS_EVERY) {
          await ensurePartitions(client, Date.now());
          this.#partitionsAt = Date.now();
        }
        await client.query('BEGIN');
        if (!(await tryLockHost(client, this.options.host))) {
          await client.query('ROLLBACK');
          throw new CatalogError('busy', 'another scan or watch is writing to the catalog');
        }
        const lose = () => this.#lose();
        return await PostgresWatchBatch.begin({ ...this.options, client, run: this.#run, lose });
      } catch (error) {
        if (!(error instanceof CatalogError)) await this.#lose();
        throw error;
      }
    });
  }

  async close(): Promise<void> {
    await this.#lose();
  }

  /** Those of some paths that the catalog knows as directories, with whether they have been read. */
  async #known(paths: readonly BytePath[]): Promise<ReadonlyMap<BytePath, boolean>> {
    const known = new Map<BytePath, boolean>();
    for (let at = 0; at < paths.length; at += LOT) {
      const { rows } = await this.options.readers.query<{ path: Buffer; is_read: boolean }>({
        name: 'known-directories',
        text: `SELECT d.path, d.listing_digest IS NOT NULL AS is_read FROM unnest($2::bytea[]) AS asked (path)
          JOIN directories d ON d.host_id = $1 AND sha256(d.path) = sha256(asked.path) AND d.path = asked.path`,
        values: [this.options.host, paths.slice(at, at + LOT).map(toBytes)],
      });
      for (const { path, is_read: isRead } of rows) known.set(pathFromBytes(path), isRead);
    }
    return known;
  }

  async #lose(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await hangUp(client);
  }

  async #attempt<Result>(run: () => Promise<Result>): Promise<Result> {
    try {
      return await run();
    } catch (error) {
      throw this.options.translate(error);
    }
  }
}

interface DirectoryTimes extends pg.QueryResultRow {
  readonly path: Buffer;
  readonly device: bigint;
  readonly inode: bigint;
  readonly mtime_ns: bigint;
  readonly ctime_ns: bigint;
}

/** What a batch is given. */
interface BatchOptions extends RecorderOptions {
  /** In a transaction that holds the host's lock. */
  readonly client: pg.Client;
  readonly run: WatchRun;
  /** Gives the connection up, after a failure. */
  readonly lose: () => Promise<void>;
}

/** One batch: a transaction from begin to commit. */
class PostgresWatchBatch implements WatchBatch {
  readonly #stager: ListingStager;
  readonly #staged = new Set<BytePath>();
  readonly #gaps: BytePath[] = [];

  private constructor(
    private readonly options: BatchOptions,
    private readonly staging: Staging,
    private readonly id: number,
    private readonly after: number,
  ) {
    let directories = 0;
    this.#stager = new ListingStager(staging, () => ++directories);
  }

  /** Begins a batch. */
  static async begin(options: BatchOptions): Promise<PostgresWatchBatch> {
    const { client, run } = options;
    const id = await run.reserveId(client);
    const after = await cursorOf(client, options.host);
    return new PostgresWatchBatch(options, await Staging.begin(client, id), id, after);
  }

  record(packed: Uint8Array): Promise<void> {
    return this.#attempt(async () => {
      for (const listing of readListings(packed)) {
        this.#stager.noteErrors(listing);
        this.#stager.stage(listing);
        this.#staged.add(listing.path);
        await this.staging.send();
      }
    });
  }

  unknownSubdirectories(listings: readonly Uint8Array[]): Promise<readonly BytePath[]> {
    return this.#attempt(async () => {
      const named: BytePath[] = [];
      for (const listing of listings.flatMap((packed) => [...readListings(packed)])) {
        listing.visit({
          file: () => {},
          directory: (name) => named.push(childPath(listing.path, name)),
          problem: () => {},
        });
      }
      const asked = named.filter((path) => !this.#staged.has(path));
      const unknown: BytePath[] = [];
      for (let at = 0; at < asked.length; at += LOT)
        unknown.push(...(await this.#unknown(asked.slice(at, at + LOT))));
      return unknown;
    });
  }

  recordGap(path: BytePath): Promise<void> {
    // The connection is busy with the rows of the batch until they have all come.
    this.#gaps.push(path);
    return Promise.resolve();
  }

  commit(): Promise<RecordedBatch> {
    return this.#attempt(async () => {
      const { client, host, root, run } = this.options;
      const { id, after } = this;
      await this.staging.end();
      const recordedAt = run.nextMoment();
      for (const path of this.#gaps) {
        // Of no run: the watch's may have been forgotten, and this batch need not make it anew.
        await client.query(
          "INSERT INTO mutation_log (host_id, recorded_at, kind, path) VALUES ($1, $2, 'gap', $3)",
          [host, recordedAt, toBytes(path)],
        );
      }
      const merge: Merge = { client, host, staged: this.staging.table, isBaseline: false, isDirect: false };
      const isEmpty = this.#stager.stagedDirectories === 0;
      if (!isEmpty) await resolveDirectories(merge);
      const changes = isEmpty ? tallies() : await applyChanges(merge, { scan: id, recordedAt });
      if (!isEmpty) await writeDirectories(merge);
      const stale = isEmpty ? [] : await findStaleLinks(merge);
      const totals = (await readDirectory(client, host, root))?.totals;
      const { errors, unreadableDirectories } = this.#stager;
      const sums = { recordedAt, changes, totals, unreadableDirectories };
      await run.add(client, { host, id, ...sums, errorsIn: errors > 0 ? this.staging.table : undefined });
      const cursor = await cursorOf(client, host);
      await client.query(`DROP TABLE ${this.staging.table}`);
      await client.query('COMMIT');
      run.endBatch();
      return { recordedAt, changes, totals, run: run.id, after, cursor, stale };
    });
  }

  async abort(): Promise<void> {
    try {
      await this.staging.cancel();
      await this.options.client.query('ROLLBACK');
    } catch {
      // The connection is lost, and the transaction with it.
      await this.options.lose();
    }
  }

  async #unknown(paths: readonly BytePath[]): Promise<BytePath[]> {
    const { readers, host } = this.options;
    const { rows } = await readers.query<{ path: Buffer }>({
      name: 'unknown-directories',
      text: `SELECT asked.path FROM unnest($2::bytea[]) AS asked (path) WHERE NOT EXISTS (
        SELECT FROM directories d
        WHERE d.host_id = $1 AND sha256(d.path) = sha256(asked.path) AND d.path = asked.path)`,
      values: [host, paths.map(toBytes)],
    });
    return rows.map(({ path }) => pathFromBytes(path));
  }

  async #attempt<Result>(run: () => Promise<Result>): Promise<Result> {
    try {
      return await run();
    } catch (error) {
      throw this.options.translate(error);
    }
  }
}

async function cursorOf(client: pg.ClientBase, host: number): Promise<number> {
  const { rows } = await client.query<{ cursor: bigint }>(
    'SELECT coalesce(max(sequence), 0) AS cursor FROM mutation_log WHERE host_id = $1',
    [host],
  );
  return Number(rows[0]?.cursor);
}
