import { type DirectoryName, type FileName, ProtocolError, type Version } from '@filetracker/protocol';
import type { BlobStore } from '../blobs/blob-store.js';
import type { FramePool } from '../codec/frame-pool.js';
import type { Condition } from '../metadata/conditions.js';
import type { DirectoryEntry } from '../metadata/listing.js';
import type {
  ChangePage,
  CheckpointInfo,
  FileRecord,
  FoundFile,
  MetadataStore,
  QuotaState,
  StoreChange,
  Totals,
} from '../metadata/metadata-store.js';
import { BackgroundWork } from './background-work.js';
import { ContentReader } from './content-reader.js';
import type { ContentStream } from './content-stream.js';
import { ContentDamagedError } from './errors.js';
import { GarbageCollector } from './garbage-collector.js';
import { type HistoryEntry, type ListChildrenOptions, Listings, type ListOptions } from './listings.js';
import { damagedContents, type ScrubState } from './scrub-log.js';
import { type PutRequest, type PutStoredRequest, Uploads } from './uploads.js';
import { type StoredFile, type View, zstdSizeOf } from './view.js';

export type {
  Condition,
  ContentStream,
  DirectoryEntry,
  FileRecord,
  HistoryEntry,
  ListChildrenOptions,
  ListOptions,
  PutRequest,
  PutStoredRequest,
  StoreChange,
  StoredFile,
};
export { damagedContents };

/** What a reader decides once it sees what is stored. */
export interface ReadPlan {
  readonly view: View;
}

/** A file that was opened for reading as planned. A stream must be closed. */
export interface OpenFile<Plan extends ReadPlan> {
  readonly file: StoredFile;
  readonly plan: Plan;
  readonly content: Uint8Array | ContentStream;
}

/** How a store behaves. */
export interface FileStoreOptions {
  /** Largest content in bytes that is accepted. */
  readonly maxFileSize: number;
  /** Remember deleted names, so that a fallback server is not asked for them. */
  readonly keepTombstones: boolean;
  /** Refuse every change, and leave alone what crashed or expired. */
  readonly readOnly?: boolean;
  /** Told of failures in work that no request waits for. */
  readonly onBackgroundError: (error: unknown) => void;
  /** How far the verification of all contents is. */
  readonly scrubState?: () => Promise<ScrubState>;
}

/** What `GET /status` tells of a store. */
export interface StoreStatus extends Totals {
  /** Room left on the store's disk in bytes. */
  readonly freeBytes: number;
  /** Contents and copies that are still to be deleted; counted up to 1,000. */
  readonly garbage: number;
  readonly checkpoint: CheckpointInfo | undefined;
  readonly quotas: readonly QuotaState[];
  readonly scrub: ScrubState | undefined;
}

/** Room in bytes without which a store does not count as able to store. */
const PROBE_BYTES = 64 * 1024;

/** Rows of a step of background work: enough to share its fsync, few enough not to hold up other writers. */
const BATCH = 256;

/** Files counted for quotas in a step: reading them is all that it takes. */
const COUNT_BATCH = 5000;

/** Garbage is counted up to here, so that the count costs the same whatever waits behind a backup. */
const MAX_COUNTED_GARBAGE = 1000;

/** Versions that are named where one is asked for that is not kept. */
const VERSIONS_NAMED = 10;

/**
 * The store: which rules a change obeys. A content is durable before a name refers to it, and no name refers to it
 * any more before it is deleted.
 */
export class FileStore {
  readonly #uploads: Uploads;
  readonly #reader: ContentReader;
  readonly #listings: Listings;
  readonly #garbage: GarbageCollector;
  readonly #expiry: BackgroundWork;
  readonly #counting: BackgroundWork;

  constructor(
    private readonly metadata: MetadataStore,
    private readonly blobs: BlobStore,
    private readonly pool: FramePool,
    private readonly options: FileStoreOptions,
  ) {
    const { maxFileSize, onBackgroundError } = options;
    const onGarbage = () => this.#garbage.schedule();
    this.#garbage = new GarbageCollector(metadata, blobs, onBackgroundError);
    this.#expiry = new BackgroundWork(() => this.#expireHistory(), onBackgroundError);
    this.#counting = new BackgroundWork(() => this.#countForQuotas(), onBackgroundError);
    this.#uploads = new Uploads(metadata, blobs, pool, { maxFileSize, onGarbage });
    this.#reader = new ContentReader(blobs, pool);
    this.#listings = new Listings(metadata);
  }

  /**
   * Removes what crashed processes left, and begins to remove what is kept no longer. Its cost depends on what was
   * in flight, not on what is stored. Returns the number of files that were left.
   */
  async sweep(): Promise<number> {
    if (this.options.readOnly) return 0;
    const removed = await this.blobs.sweep(async (id, digest) => {
      const location = (await this.metadata.findContent(digest))?.location;
      return location?.kind === 'blob' && location.blob === id;
    });
    this.#garbage.schedule();
    this.#expiry.start();
    this.#counting.start();
    return removed;
  }

  /**
   * Stores a version of a file, unless a newer one is stored; an equal one is replaced. Resolves with the version
   * that is stored afterwards, once that is durable. Throws `ProtocolError` `digest_mismatch`, `size_mismatch`,
   * `too_large`, `name_conflict`, `precondition_failed`, `forbidden` or `quota_exceeded`, and whatever reading the content throws;
   * then nothing has changed.
   */
  async put(request: PutRequest): Promise<FileRecord> {
    this.#refuseReadOnly();
    return this.#uploads.put(request);
  }

  /**
   * Does the same with a content that is stored already, under whatever name. Throws `content_missing` if it is
   * not, and `size_mismatch` if it has another size.
   */
  async putStored(request: PutStoredRequest): Promise<FileRecord> {
    this.#refuseReadOnly();
    return this.#uploads.putStored(request);
  }

  /**
   * Opens the newest version of a file, or exactly `version` if that is given and kept; or as much of it as `decide`
   * wants of the version that is found. Throws `ProtocolError` `not_found`, {@link ContentDamagedError} and what
   * `decide` throws.
   */
  async open<Plan extends ReadPlan>(
    name: FileName,
    decide: (file: StoredFile) => Plan,
    version?: Version,
  ): Promise<OpenFile<Plan>> {
    for (let missing: FoundFile | undefined; ; ) {
      const found = await this.#find(name, version);
      if (!found.location) throw new ContentDamagedError(found.digest, new Error('no location is recorded'));
      const file = Object.assign(found, { zstdSize: zstdSizeOf(found.location) });
      const plan = decide(file);
      const content = await this.#reader.open(file, found.location, plan.view);
      if (content) return { file, plan, content };
      // Overwritten or deleted between the two steps: look again. Nothing new to see: the copy is really gone.
      if (missing && sameCopy(missing, found)) {
        throw new ContentDamagedError(found.digest, new Error('the stored copy is missing'));
      }
      missing = found;
    }
  }

  /**
   * Deletes a file unless its version is newer than `version`. Throws `ProtocolError` `not_found`,
   * `precondition_failed` or `forbidden`.
   */
  async delete(name: FileName, version: Version, condition?: Condition): Promise<void> {
    this.#refuseReadOnly();
    const tombstone = this.options.keepTombstones;
    const outcome = await this.metadata.deleteFile(name, version, { tombstone, condition });
    if (outcome.kind === 'missing') throw notFound(name);
    if (outcome.kind === 'deleted' && outcome.leftGarbage) this.#garbage.schedule();
  }

  /** Whether the name was deleted here and not stored since. Known only with `keepTombstones`. */
  wasDeleted(name: FileName): Promise<boolean> {
    return this.metadata.hasTombstone(name);
  }

  /**
   * Lists the files below a directory at any depth, in the order of their names' bytes, as pages. Throws
   * `ProtocolError` `not_a_directory` at once; the root always is one.
   */
  list(directory: DirectoryName, options: ListOptions = {}): Promise<AsyncIterable<readonly FileRecord[]>> {
    return this.#listings.list(directory, options);
  }

  /** Lists the files and directories that lie directly in a directory, in the same way. */
  listChildren(
    directory: DirectoryName,
    options: ListChildrenOptions = {},
  ): Promise<AsyncIterable<readonly DirectoryEntry[]>> {
    return this.#listings.listChildren(directory, options);
  }

  /**
   * Lists the versions of a file that are kept and the deletions between them, newest first, as pages. Throws
   * `ProtocolError` `not_found` at once when nothing is known of the name.
   */
  versions(name: FileName): Promise<AsyncIterable<readonly HistoryEntry[]>> {
    return this.#listings.versions(name);
  }

  /** Changes behind a sequence; see {@link MetadataStore.changesSince}. */
  changesSince(since: number, limit: number): Promise<ChangePage> {
    return this.metadata.changesSince(since, limit);
  }

  /** Resolves when there is a change behind `after`, or when `signal` aborts. */
  waitForChange(after: number, signal: AbortSignal): Promise<void> {
    return this.metadata.waitForChange(after, signal);
  }

  async status(): Promise<StoreStatus> {
    const [totals, freeBytes, garbage, checkpoint, quotas, scrub] = await Promise.all([
      this.metadata.totals(),
      this.blobs.freeBytes(),
      this.metadata.garbage(MAX_COUNTED_GARBAGE),
      this.metadata.lastCheckpoint(),
      this.metadata.quotas(),
      this.options.scrubState?.(),
    ]);
    return { ...totals, freeBytes, garbage, checkpoint, quotas, scrub };
  }

  /**
   * Does what storing a file does, and leaves nothing behind. Rejects with the reason when that fails. Does nothing
   * where nothing is to be stored.
   */
  async probe(): Promise<void> {
    if (this.options.readOnly) return;
    const staged = await this.blobs.stage();
    try {
      await staged.write(new Uint8Array(PROBE_BYTES));
    } finally {
      await staged.discard();
    }
    await this.metadata.probe();
  }

  /** Finishes background work and closes the back ends. Requests must have ended. */
  async close(): Promise<void> {
    await Promise.all([this.#expiry.close(), this.#counting.close()]);
    await this.#garbage.settled();
    await this.pool.close();
    await this.metadata.close();
    await this.blobs.close();
  }

  async #find(name: FileName, version: Version | undefined): Promise<FoundFile> {
    const file = await this.metadata.findFile(name, version);
    if (file) return file;
    throw version === undefined ? notFound(name) : await this.#versionNotFound(name, version);
  }

  async #versionNotFound(name: FileName, version: Version): Promise<ProtocolError> {
    const kept = await this.metadata.versions({ name, limit: VERSIONS_NAMED + 1 });
    if (kept.length === 0) return notFound(name);
    const named = kept.slice(0, VERSIONS_NAMED).map((file) => file.version);
    const others = kept.length > VERSIONS_NAMED ? ' and older ones' : '';
    return new ProtocolError(
      'not_found',
      `there is no version ${version} of "/${name}"; kept: ${named.join(', ')}${others}`,
    );
  }

  async #expireHistory(): Promise<number | undefined> {
    const { leftGarbage, next } = await this.metadata.expireHistory(BATCH);
    if (leftGarbage) this.#garbage.schedule();
    return next;
  }

  async #countForQuotas(): Promise<number | undefined> {
    return (await this.metadata.countForQuotas(COUNT_BATCH)) ? 0 : undefined;
  }

  #refuseReadOnly(): void {
    if (this.options.readOnly) throw new ProtocolError('forbidden', 'this server only reads');
  }
}

function notFound(name: FileName): ProtocolError {
  return new ProtocolError('not_found', `there is no file "/${name}"`);
}

function sameCopy(a: FoundFile, b: FoundFile): boolean {
  return a.location?.kind === 'blob' && b.location?.kind === 'blob' && a.location.blob === b.location.blob;
}
