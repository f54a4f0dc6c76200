import type pg from 'pg';
import type { BytePath } from '../../byte-path.js';
import { type DirectoryListing, readListings } from '../../listing/directory-listing.js';
import type { KnownDigests } from '../../listing/known-digests.js';
import type { BeginScanOptions, ScanSession } from '../catalog.js';
import type { ChangeTallies, DirectoryRecord, ScanRun } from '../records.js';
import { applyChanges } from './apply-changes.js';
import { tallies } from './change-tallies.js';
import { type ChangedFile, findChangedFiles } from './changed-files.js';
import { DirectoryIds } from './directory-ids.js';
import { findDiffering } from './find-differing.js';
import { hangUp } from './hang-up.js';
import { hasTreesWithin, readDirectory, unknownAncestors } from './read-directories.js';
import { readKnownDigests } from './read-known-digests.js';
import { readKnownMounts } from './read-known-mounts.js';
import type { ReaderPool } from './reader-pool.js';
import { noteLinked, recountLinks } from './recount-links.js';
import { resolveDirectories } from './resolve-directories.js';
import { lastLook, writeRun } from './run-record.js';
import { ListingStager } from './stage-listings.js';
import { Staging } from './staging.js';
import { writeDirectories } from './write-directories.js';

/** Memory of the server for the working tables of a merge: they would be written to the disk and read again. */
const WORKING_TABLES = '64MB';

/** What a session is given. */
interface SessionOptions extends BeginScanOptions {
  /** A connection of its own, in a transaction that holds the host's lock; closed when the session ends. */
  readonly client: pg.Client;
  /** Gives a connection for questions while the session's own is busy with the COPY. */
  readonly readers: ReaderPool;
  readonly host: number;
  /** Turns what the database throws into what callers know. */
  readonly translate: (error: unknown) => unknown;
}

/**
 * A scan into PostgreSQL: what differs is staged while the crawl goes on, and merged when it has finished. The files of
 * a tree of which nothing is known go where they belong at once.
 */
export class PostgresScanSession implements ScanSession {
  readonly wantsOnlySums = false;
  readonly #startedAt = Date.now();
  readonly #stager: ListingStager;
  /** The crawl was told the digests of all directories. */
  #crawlKnowsAll = false;
  /** Numbers for a tree of which nothing is known. */
  readonly #ids: DirectoryIds | undefined;

  private constructor(
    private readonly options: SessionOptions,
    readonly id: number,
    readonly previous: DirectoryRecord | undefined,
    private readonly staging: Staging,
    private readonly reader: pg.PoolClient,
    /** When the tree was last looked at. */
    private readonly lastLook: number | undefined,
  ) {
    const ids = staging.files && new DirectoryIds(reader);
    let directories = 0;
    this.#ids = ids;
    this.#stager = new ListingStager(staging, ids ? () => ids.take() : () => ++directories);
  }

  /** Begins a scan on a connection that holds the host's lock. */
  static async begin(options: SessionOptions): Promise<PostgresScanSession> {
    const { client, host, root } = options;
    await client.query(`SET temp_buffers = '${WORKING_TABLES}'`);
    const { rows } = await client.query<{ id: bigint }>("SELECT nextval('scan_ids') AS id");
    const id = Number(rows[0]?.id);
    const previous = await readDirectory(client, host, root);
    const missing = previous ? [] : await unknownAncestors(client, host, root);
    const isDirect = !previous && !(await hasTreesWithin(client, host, root));
    const staging = await Staging.begin(client, id, { isDirect });
    const reader = await options.readers.connect();
    try {
      const looked = previous && (await lastLook(reader, host, root));
      const session = new PostgresScanSession(options, id, previous, staging, reader, looked);
      await session.#ids?.reserve(missing.length);
      for (const path of missing) session.#stager.stagePlace(path);
      return session;
    } catch (error) {
      reader.release(true);
      throw error;
    }
  }

  get isBaseline(): boolean {
    return this.previous === undefined;
  }

  knownDigests(): Promise<KnownDigests | undefined> {
    const { host, root } = this.options;
    return this.#attempt(async () => {
      if (this.isBaseline) return undefined;
      const { digests, areAll } = await readKnownDigests(this.reader, { host, root });
      this.#crawlKnowsAll = areAll;
      return digests;
    });
  }

  knownMounts(): Promise<readonly BytePath[]> {
    const { host, root } = this.options;
    return this.#attempt(() => readKnownMounts(this.reader, host, root));
  }

  record(packed: Uint8Array): Promise<void> {
    return this.#attempt(async () => {
      const listings = [...readListings(packed)].filter(({ state }) => state !== 'same');
      const whole = listings.filter(({ state, path }) => state === 'read' && !this.#stager.hasParts(path));
      const { host, root } = this.options;
      const asked = whole.filter((listing) => this.#mayBeSame(listing));
      const differing = await findDiffering(this.reader, asked, { host, root });
      const skipped = new Set(asked.filter((listing) => !differing.has(listing)));
      const changed = await this.#changedFiles(whole.filter((listing) => !skipped.has(listing)));
      await this.#ids?.reserve(listings.length);
      for (const listing of listings) {
        this.#stager.noteErrors(listing);
        if (skipped.has(listing)) continue;
        const files = changed?.get(listing);
        if (files) this.#stager.stageChanged(listing, files);
        else this.#stager.stage(listing);
        await this.staging.send();
      }
    });
  }

  finish(): Promise<ScanRun> {
    return this.#attempt(async () => {
      const { client, host, root, source, metadata = {}, isPreview } = this.options;
      await this.staging.end();
      const changes = this.#stager.stagedDirectories > 0 ? await this.#merge(Date.now()) : tallies();
      const after = await readDirectory(client, host, root);
      const run: ScanRun = {
        id: this.id,
        root,
        source,
        startedAt: this.#startedAt,
        finishedAt: Date.now(),
        historySince: null,
        isBaseline: this.isBaseline,
        totals: after?.totals ?? { files: 0, directories: 0, bytes: 0, allocated: 0 },
        changes,
        errors: this.#stager.errors,
        unreadableDirectories: this.#stager.unreadableDirectories,
        metadata,
      };
      await writeRun(client, host, run);
      if (this.#stager.errors > 0) {
        await client.query(
          `INSERT INTO scan_errors (scan_id, path, errno)
           SELECT $1, name, errno FROM ${this.staging.table} WHERE kind = 'e' ORDER BY ctid`,
          [this.id],
        );
      }
      await client.query(`DROP TABLE ${this.staging.table}`);
      await client.query(isPreview ? 'ROLLBACK' : 'COMMIT');
      await client.end();
      this.reader.release();
      return run;
    });
  }

  async abort(): Promise<void> {
    const { client } = this.options;
    try {
      await this.staging.cancel();
      await client.query('ROLLBACK');
    } catch {
      // The connection is lost, and the transaction with it.
    } finally {
      // It may be lost too, or busy.
      this.reader.release(true);
      await hangUp(client);
    }
  }

  /** Whether a directory may be as the catalog has it. */
  #mayBeSame({ problemCount }: DirectoryListing): boolean {
    // Of a tree that is new nothing can be the same, unless it holds one that was scanned by itself: that is found to
    // be the same in the end.
    if (this.isBaseline) return false;
    // What a crawl knows to be the same it leaves out, but for what it could not look at.
    return !this.#crawlKnowsAll || problemCount > 0;
  }

  /** The files that differ of those listings of which nothing else does. */
  async #changedFiles(
    differing: readonly DirectoryListing[],
  ): Promise<ReadonlyMap<DirectoryListing, readonly ChangedFile[]> | undefined> {
    const { lastLook } = this;
    if (lastLook === undefined) return undefined;
    const { host, root } = this.options;
    const flawless = differing.filter(({ problemCount }) => problemCount === 0);
    return findChangedFiles(this.reader, flawless, { host, root, since: lastLook });
  }

  async #merge(recordedAt: number): Promise<ChangeTallies> {
    const { client, host } = this.options;
    const { isBaseline } = this;
    const isDirect = this.staging.files !== undefined;
    const merge = { client, host, staged: this.staging.table, isBaseline, isDirect };
    await resolveDirectories(merge);
    const run = { scan: this.id, recordedAt };
    if (this.#stager.hasLinked && isDirect) await noteLinked(merge);
    const changes = isDirect ? tallies(await recountLinks(merge, run)) : await applyChanges(merge, run);
    await writeDirectories(merge);
    return changes;
  }

  async #attempt<Result>(run: () => Promise<Result>): Promise<Result> {
    try {
      return await run();
    } catch (error) {
      throw this.options.translate(error);
    }
  }
}
