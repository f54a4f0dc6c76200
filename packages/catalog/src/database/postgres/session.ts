import { constants } from 'node:os';
import type pg from 'pg';
import { type BytePath, childPath, splitPath, toBytes } from '../../byte-path.js';
import type { Attributes } from '../../entry.js';
import { type DirectoryListing, readListings } from '../../listing/directory-listing.js';
import type { KnownDigests } from '../../listing/known-digests.js';
import type { BeginScanOptions, ScanSession } from '../catalog.js';
import type { ChangeTallies, DirectoryRecord, ScanRun } from '../records.js';
import { applyChanges, tallies } from './apply-changes.js';
import { StagedKind } from './copy-rows.js';
import { findDiffering } from './find-differing.js';
import { readDirectory, unknownAncestors } from './read-directories.js';
import { readKnownDigests } from './read-known-digests.js';
import { resolveDirectories } from './resolve-directories.js';
import { writeRun } from './run-record.js';
import { Staging } from './staging.js';
import { writeDirectories } from './write-directories.js';

/** What a session is given. */
interface SessionOptions extends BeginScanOptions {
  /** A connection of its own, in a transaction that holds the host's lock; closed when the session ends. */
  readonly client: pg.Client;
  /** For questions while the session's own connection is busy with the COPY. */
  readonly readers: pg.Pool;
  readonly host: number;
  /** Turns what the database throws into what callers know. */
  readonly translate: (error: unknown) => unknown;
}

const { ENOENT, ENOTDIR } = constants.errno;

const NOTHING_KNOWN: Attributes = {
  mode: 0,
  uid: 0,
  gid: 0,
  links: 0,
  device: 0,
  inode: 0n,
  size: 0,
  allocated: 0,
  mtimeNs: 0n,
  ctimeNs: 0n,
  bornNs: null,
};

/** A scan into PostgreSQL: what differs is staged while the crawl goes on, and merged when it has finished. */
export class PostgresScanSession implements ScanSession {
  readonly #startedAt = Date.now();
  /** Numbers of very large directories of which parts have come. */
  readonly #parts = new Map<BytePath, number>();
  #lastNumber = 0;
  #stagedRows = 0;
  #errors = 0;
  #unreadable = 0;

  private constructor(
    private readonly options: SessionOptions,
    readonly id: number,
    readonly previous: DirectoryRecord | undefined,
    private readonly staging: Staging,
  ) {}

  /** Begins a scan on a connection that holds the host's lock. */
  static async begin(options: SessionOptions): Promise<PostgresScanSession> {
    const { client, host, root } = options;
    const { rows } = await client.query<{ id: bigint }>("SELECT nextval('scan_ids') AS id");
    const id = Number(rows[0]?.id);
    const previous = await readDirectory(client, host, root);
    const missing = previous ? [] : await unknownAncestors(client, host, root);
    const session = new PostgresScanSession(options, id, previous, await Staging.begin(client, id));
    for (const path of missing) session.#stageDirectory(path, StagedKind.notEntered, NOTHING_KNOWN);
    return session;
  }

  get isBaseline(): boolean {
    return this.previous === undefined;
  }

  knownDigests(): Promise<KnownDigests | undefined> {
    const { readers, host } = this.options;
    return this.#attempt(async () => (this.isBaseline ? undefined : readKnownDigests(readers, host)));
  }

  record(packed: Uint8Array): Promise<void> {
    return this.#attempt(async () => {
      const listings = [...readListings(packed)].filter(({ state }) => state !== 'same');
      const whole = listings.filter(({ state, path }) => state === 'read' && !this.#parts.has(path));
      const { readers, host, root } = this.options;
      // Of a tree that is new nothing can be the same, unless it holds one that was scanned by itself: that is found
      // to be the same in the end.
      const differing = this.isBaseline
        ? new Set(whole)
        : await findDiffering(readers, whole, { host, root });
      const skipped = new Set(whole.filter((listing) => !differing.has(listing)));
      for (const listing of listings) {
        this.#noteErrors(listing);
        if (skipped.has(listing)) continue;
        this.#stage(listing);
        await this.staging.send();
      }
    });
  }

  finish(): Promise<ScanRun> {
    return this.#attempt(async () => {
      const { client, host, root, source, metadata = {}, isPreview } = this.options;
      await this.staging.end();
      const changes = this.#stagedRows > 0 ? await this.#merge(Date.now()) : tallies();
      const after = await readDirectory(client, host, root);
      const run: ScanRun = {
        id: this.id,
        root,
        source,
        startedAt: this.#startedAt,
        finishedAt: Date.now(),
        isBaseline: this.isBaseline,
        totals: after?.totals ?? { files: 0, directories: 0, bytes: 0, allocated: 0 },
        changes,
        errors: this.#errors,
        unreadableDirectories: this.#unreadable,
        metadata,
      };
      await writeRun(client, host, run);
      if (this.#errors > 0) {
        await client.query(
          `INSERT INTO scan_errors (scan_id, path, errno)
           SELECT $1, name, errno FROM ${this.staging.table} WHERE kind = 'e' ORDER BY ctid`,
          [this.id],
        );
      }
      await client.query(`DROP TABLE ${this.staging.table}`);
      await client.query(isPreview ? 'ROLLBACK' : 'COMMIT');
      await client.end();
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
      await client.end().catch(() => {});
    }
  }

  async #merge(recordedAt: number): Promise<ChangeTallies> {
    const { client, host } = this.options;
    const merge = { client, host, staged: this.staging.table, isBaseline: this.isBaseline };
    await resolveDirectories(merge);
    const changes = await applyChanges(merge, { scan: this.id, recordedAt });
    await writeDirectories(merge);
    return changes;
  }

  #stage(listing: DirectoryListing): void {
    const { path, state, errno } = listing;
    const number = this.#parts.get(path) ?? ++this.#lastNumber;
    const hasParts = this.#parts.delete(path);
    if (state === 'part' || state === 'read') this.#stageEntries(number, listing);
    if (state === 'part') {
      this.#parts.set(path, number);
      return;
    }
    const attributes = listing.attributes();
    if (state === 'read')
      this.#stageDirectory(path, StagedKind.read, attributes, { number, digest: listing.digest });
    else if (state === 'notEntered')
      this.#stageDirectory(path, StagedKind.notEntered, attributes, { number });
    // One that vanishes while it is read in parts goes with the next scan.
    else if ((errno === ENOENT || errno === ENOTDIR) && !hasParts) {
      this.#stageDirectory(path, StagedKind.vanished, attributes, { number });
    } else {
      this.#stageDirectory(path, StagedKind.unreadable, attributes, { number });
    }
  }

  #stageEntries(number: number, listing: DirectoryListing): void {
    const { rows } = this.staging;
    listing.visit({
      file: (entry) => rows.addFile(number, entry),
      directory: (name) => rows.addName(number, StagedKind.directory, toBytes(name)),
      problem: ({ name, kind }) => {
        if (kind === 'unknown') rows.addName(number, StagedKind.undecided, toBytes(name));
      },
    });
  }

  #stageDirectory(
    path: BytePath,
    kind: StagedKind,
    attributes: Attributes,
    { number = 0, digest = null }: { readonly number?: number; readonly digest?: Uint8Array | null } = {},
  ): void {
    const parentLength = splitPath(path)?.parent.length ?? 0;
    this.staging.rows.addDirectory(number, { kind, path: toBytes(path), attributes, digest, parentLength });
    this.#stagedRows++;
  }

  #noteErrors(listing: DirectoryListing): void {
    const { path, state, errno } = listing;
    const note = (place: BytePath, why: number) => {
      this.#errors++;
      this.staging.rows.addError(toBytes(place), why);
    };
    if (state === 'unreadable') {
      note(path, errno);
      if (errno !== ENOENT && errno !== ENOTDIR) this.#unreadable++;
    }
    if (listing.problemCount === 0) return;
    listing.visit({
      file: () => {},
      directory: () => {},
      problem: ({ name, errno: why }) => note(childPath(path, name), why),
    });
  }

  async #attempt<Result>(run: () => Promise<Result>): Promise<Result> {
    try {
      return await run();
    } catch (error) {
      throw this.options.translate(error);
    }
  }
}
