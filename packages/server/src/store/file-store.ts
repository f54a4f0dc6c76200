import { ContentHash } from '@filetracker/durable-fs';
import {
  type Digest,
  type DirectoryName,
  type FileName,
  ProtocolError,
  type Version,
} from '@filetracker/protocol';
import type { BlobStore } from '../blobs/blob-store.js';
import { FRAME_BYTES, type FramePool } from '../codec/frame-pool.js';
import type {
  ContentLocation,
  FileRecord,
  FoundFile,
  MetadataStore,
  PutOutcome,
  Totals,
} from '../metadata/metadata-store.js';
import { ContentReader } from './content-reader.js';
import type { ContentStream } from './content-stream.js';
import { ContentWriter } from './content-writer.js';
import { ContentDamagedError } from './errors.js';
import { type Cut, cutFrames } from './frames.js';
import { GarbageCollector } from './garbage-collector.js';
import { HeldContent } from './held-content.js';
import { type StoredFile, type View, zstdSizeOf } from './view.js';

export type { ContentStream, FileRecord, StoredFile };

/** A file that is to be stored. */
export interface PutRequest {
  readonly name: FileName;
  readonly version: Version;
  /** The plain content. */
  readonly content: AsyncIterable<Uint8Array>;
  /** What the client says the content's digest is. */
  readonly digest?: Digest | undefined;
  /** What the client says the content's length is, in bytes. */
  readonly size?: number | undefined;
}

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
  /** Told of failures in work that no request waits for. */
  readonly onBackgroundError: (error: unknown) => void;
}

/** What `GET /status` tells of a store. */
interface StoreStatus extends Totals {
  /** Room left on the store's disk in bytes. */
  readonly freeBytes: number;
}

/** Room in bytes without which a store does not count as able to store. */
const PROBE_BYTES = 64 * 1024;

/** Files listed at a time; no snapshot is held between two pages. */
const PAGE_FILES = 1000;

/**
 * The store: which rules a change obeys and in which order it reaches the disk. A content is durable before a
 * name refers to it, and no name refers to it any more before it is deleted.
 */
export class FileStore {
  readonly #writer: ContentWriter;
  readonly #reader: ContentReader;
  readonly #garbage: GarbageCollector;
  readonly #cut: Cut = { frameBytes: FRAME_BYTES, allocate: (length) => this.pool.allocate(length) };

  constructor(
    private readonly metadata: MetadataStore,
    private readonly blobs: BlobStore,
    private readonly pool: FramePool,
    private readonly options: FileStoreOptions,
  ) {
    this.#writer = new ContentWriter(blobs, pool);
    this.#reader = new ContentReader(blobs, pool);
    this.#garbage = new GarbageCollector(metadata, blobs, options.onBackgroundError);
  }

  /** Removes what crashed processes left. Its cost depends on what was in flight, not on what is stored. */
  async sweep(): Promise<number> {
    const removed = await this.blobs.sweep(async (id, digest) => {
      const location = await this.metadata.findContent(digest);
      return location?.kind === 'blob' && location.blob === id;
    });
    this.#garbage.schedule();
    return removed;
  }

  /**
   * Stores a version of a file, unless a newer one is stored; an equal one is replaced. Resolves with the version
   * that is stored afterwards, once that is durable. Throws `ProtocolError` `digest_mismatch`, `size_mismatch`,
   * `too_large` or `name_conflict`, and whatever reading the content throws; then nothing has changed.
   */
  async put(request: PutRequest): Promise<Version> {
    const { name, version, size: declared } = request;
    const hash = new ContentHash();
    const frames = cutFrames(request.content, this.#cut, hash, {
      declared,
      maximum: this.options.maxFileSize,
    });
    let held = request.digest && (await this.#hold(request.digest));
    let digest: Digest | undefined;
    const finish = () => (digest = verifiedDigest(hash, request));
    try {
      let location: ContentLocation | undefined;
      if (held) await drain(frames, this.pool, finish);
      else {
        location = await this.#writer.write(frames, finish, async (stored) => {
          held = await this.#hold(stored);
          return held !== undefined;
        });
      }
      if (digest === undefined) throw new Error('the content was not read to its end');
      return await this.#commit({ name, version, digest, size: hash.size }, location, held);
    } finally {
      await held?.release();
    }
  }

  /**
   * Opens the newest version of a file, or as much of it as `decide` wants of the version that is found. Throws
   * `ProtocolError` `not_found`, {@link ContentDamagedError} and what `decide` throws.
   */
  async open<Plan extends ReadPlan>(
    name: FileName,
    decide: (file: StoredFile) => Plan,
  ): Promise<OpenFile<Plan>> {
    for (let missing: FoundFile | undefined; ; ) {
      const found = await this.#find(name);
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

  /** Deletes a file unless its version is newer than `version`. Throws `ProtocolError` `not_found`. */
  async delete(name: FileName, version: Version): Promise<void> {
    const outcome = await this.metadata.deleteFile(name, version, { tombstone: this.options.keepTombstones });
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
  async list(directory: DirectoryName): Promise<AsyncIterable<readonly FileRecord[]>> {
    const first = await this.metadata.list({ directory, limit: PAGE_FILES });
    if (first.length === 0 && directory !== '') {
      throw new ProtocolError('not_a_directory', 'the path does not exist or is not a directory');
    }
    return this.#pages(directory, first);
  }

  async status(): Promise<StoreStatus> {
    const [totals, freeBytes] = await Promise.all([this.metadata.totals(), this.blobs.freeBytes()]);
    return { ...totals, freeBytes };
  }

  /** Does what storing a file does, and leaves nothing behind. Rejects with the reason when that fails. */
  async probe(): Promise<void> {
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
    await this.#garbage.settled();
    await this.pool.close();
    await this.metadata.close();
    await this.blobs.close();
  }

  async *#pages(
    directory: DirectoryName,
    first: readonly FileRecord[],
  ): AsyncGenerator<readonly FileRecord[]> {
    let page = first;
    for (let last = page.at(-1); last; last = page.at(-1)) {
      yield page;
      if (page.length < PAGE_FILES) return;
      page = await this.metadata.list({ directory, after: last.name, limit: PAGE_FILES });
    }
  }

  async #find(name: FileName): Promise<FoundFile> {
    const file = await this.metadata.findFile(name);
    if (!file) throw notFound(name);
    return file;
  }

  async #hold(digest: Digest): Promise<HeldContent | undefined> {
    const location = await this.metadata.findContent(digest);
    return location && HeldContent.take(digest, location, this.blobs);
  }

  /** Writes the name; `offered` is a new copy of the content, `held` one that was found in the store. */
  async #commit(
    file: FileRecord,
    offered: ContentLocation | undefined,
    held: HeldContent | undefined,
  ): Promise<Version> {
    let outcome = await this.#putFile(file, offered);
    if (outcome.kind === 'content-missing') {
      outcome = await this.#putFile(file, await held?.copy());
      if (outcome.kind === 'content-missing') throw new Error('a held content cannot be missing');
    }
    if (outcome.kind === 'newer') return outcome.version;
    if (outcome.leftGarbage) this.#garbage.schedule();
    return file.version;
  }

  async #putFile(file: FileRecord, offered: ContentLocation | undefined): Promise<PutOutcome> {
    if (offered?.kind !== 'blob') return this.metadata.putFile(file, offered);
    let kept = false;
    try {
      const outcome = await this.metadata.putFile(file, offered);
      kept =
        outcome.kind === 'stored' && (outcome.copyKept || (await this.#replaceLost(file.digest, offered)));
      return outcome;
    } catch (error) {
      // A commit that failed says nothing certain about what is on the disk: only what is not named may go.
      const location = await this.metadata.findContent(file.digest);
      kept = location?.kind === 'blob' && location.blob === offered.blob;
      throw error;
    } finally {
      await (kept ? this.blobs.claim(offered.blob) : this.blobs.delete(offered.blob));
    }
  }

  /** The content was there already: true if its copy was lost, and the new one has taken its place. */
  async #replaceLost(digest: Digest, location: ContentLocation): Promise<boolean> {
    const stored = await this.metadata.findContent(digest);
    if (stored?.kind !== 'blob') return false;
    const blob = await this.blobs.open(stored.blob);
    await blob?.close();
    return blob === undefined && this.metadata.replaceLostCopy(digest, stored.blob, location);
  }
}

function notFound(name: FileName): ProtocolError {
  return new ProtocolError('not_found', `there is no file "/${name}"`);
}

function sameCopy(a: FoundFile, b: FoundFile): boolean {
  return a.location?.kind === 'blob' && b.location?.kind === 'blob' && a.location.blob === b.location.blob;
}

/** Reads a content to its end without storing it. */
async function drain(
  frames: AsyncIterable<Uint8Array>,
  pool: FramePool,
  finish: () => Digest,
): Promise<void> {
  for await (const frame of frames) pool.release(frame);
  finish();
}

/** The digest of a content that was read to its end. Throws when it is not what the client announced. */
function verifiedDigest(hash: ContentHash, { digest: claimed, size }: PutRequest): Digest {
  if (size !== undefined && hash.size !== size) {
    throw new ProtocolError(
      'size_mismatch',
      `the content has ${hash.size} bytes, but Logical-Size says ${size}`,
    );
  }
  const digest = hash.digest();
  if (claimed !== undefined && claimed !== digest) {
    throw new ProtocolError(
      'digest_mismatch',
      `the content has digest ${digest}, but SHA256-Checksum says ${claimed}`,
    );
  }
  return digest;
}
