import { join } from 'node:path';
import type { Digest, FileName, Version } from '@filetracker/protocol';
import type { BlobId } from '../../blobs/blob-store.js';
import { CheckpointDirectory } from '../checkpoints/checkpoint-directory.js';
import { Checkpointer, type CheckpointPolicy } from '../checkpoints/checkpointer.js';
import { ChangeWaiters } from '../journal/change-waiters.js';
import { JournalFeed } from '../journal/feed.js';
import type {
  ChangePage,
  CheckpointInfo,
  ContentLocation,
  DeleteOutcome,
  FileRecord,
  FoundFile,
  GarbageRequest,
  ListRequest,
  MetadataStore,
  PutOutcome,
  Totals,
} from '../metadata-store.js';
import { Contents } from './contents.js';
import { Environment, type Tables } from './environment.js';
import { findNewest, keysBelow, refuseConflict } from './names.js';
import { decodeFile, encodeFile, encodeVersion, fileKey, fileKeyEnd, nameOfKey } from './records.js';
import { readTotals, Sums } from './totals.js';

/** How the metadata is opened. */
interface LmdbOptions {
  /** False acknowledges commits before they are on the disk. */
  readonly durable: boolean;
  readonly checkpoints: CheckpointPolicy;
  /** Told of failures in work that no call waits for. */
  readonly onError: (error: unknown) => void;
}

const METADATA = 'metadata';
const JOURNAL = 'journal';
const CHECKPOINTS = 'checkpoints';

/** Length in bytes at which a journal file is followed by the next, at the latest. */
const MAX_JOURNAL_FILE_BYTES = 64 * 1024 * 1024;

/** Where a probe leaves its time: a transaction that writes nothing would not reach the disk. */
const PROBE_KEY = Buffer.from('probe');

/** Metadata in LMDB, with a journal and checkpoints beside it. */
export class LmdbMetadataStore implements MetadataStore {
  readonly #tables: Tables;
  readonly #contents: Contents;
  readonly #checkpoints: CheckpointDirectory;
  readonly #checkpointer: Checkpointer;
  readonly #feed: JournalFeed;
  readonly #waiters: ChangeWaiters;

  private constructor(
    private readonly environment: Environment,
    root: string,
    { durable, checkpoints, onError }: LmdbOptions,
  ) {
    this.#tables = environment.tables;
    this.#contents = new Contents(environment.tables);
    const journalState = () => environment.journalState();
    this.#feed = new JournalFeed(join(root, JOURNAL), journalState);
    this.#waiters = new ChangeWaiters(() => journalState().sequence);
    this.#checkpoints = new CheckpointDirectory(join(root, CHECKPOINTS));
    this.#checkpointer = new Checkpointer({
      ...checkpoints,
      directory: this.#checkpoints,
      journalDirectory: join(root, JOURNAL),
      journalState,
      copyTo: (target) => environment.copyTo(target),
      environmentBytes: () => environment.bytes(),
      onError,
    });
    // Without durable commits there is nothing that a checkpoint could add to.
    if (durable) this.#checkpointer.start();
    environment.onCommit((gap) => {
      this.#waiters.wake();
      if (gap) this.#checkpointer.checkSoon();
    });
  }

  /**
   * Opens the metadata of the store in directory `root`, creating it where there is none; see
   * {@link Environment.open}.
   */
  static open(root: string, options: LmdbOptions): LmdbMetadataStore {
    const { durable, onError } = options;
    const journal = { directory: join(root, JOURNAL), fileBytes: fileBytes(options), onError };
    const environment = Environment.open(join(root, METADATA), { durable, journal });
    return new LmdbMetadataStore(environment, root, options);
  }

  async findFile(name: FileName): Promise<FoundFile | undefined> {
    const file = findNewest(this.#tables.files, name);
    return file && Object.assign(file, { location: this.#contents.find(file.digest)?.location });
  }

  async findContent(digest: Digest): Promise<ContentLocation | undefined> {
    return this.#contents.find(digest)?.location;
  }

  putFile(file: FileRecord, location?: ContentLocation): Promise<PutOutcome> {
    const { files, tombstones, meta } = this.#tables;
    return this.environment.write(() => {
      const stored = findNewest(files, file.name);
      if (stored && stored.version > file.version) return { kind: 'newer', version: stored.version };
      if (!location && !this.#contents.find(file.digest)) return { kind: 'content-missing' };
      if (!stored) refuseConflict(files, file.name);

      const totals = new Sums(meta);
      let copyKept = false;
      let leftGarbage = false;
      // The same content once more needs no counting.
      if (stored?.digest !== file.digest) {
        copyKept = this.#contents.addReference(file, location, totals);
        if (stored) leftGarbage = this.#contents.dropReference(stored.digest, totals);
      }
      files.putSync(fileKey(file.name), encodeFile(file));
      tombstones.removeSync(Buffer.from(file.name));
      totals.files += stored ? 0 : 1;
      totals.logicalBytes += file.size - (stored?.size ?? 0);
      totals.save();
      this.environment.announce({ kind: 'put', file });
      return { kind: 'stored', copyKept, leftGarbage };
    });
  }

  replaceLostCopy(digest: Digest, lost: BlobId, location: ContentLocation): Promise<boolean> {
    return this.environment.write(() => this.#contents.replaceLostCopy(digest, lost, location));
  }

  deleteFile(
    name: FileName,
    version: Version,
    { tombstone }: { readonly tombstone: boolean },
  ): Promise<DeleteOutcome> {
    const { files, tombstones, meta } = this.#tables;
    return this.environment.write(() => {
      const stored = findNewest(files, name);
      if (!stored) return { kind: 'missing' };
      if (stored.version > version) return { kind: 'newer' };
      const totals = new Sums(meta);
      const leftGarbage = this.#contents.dropReference(stored.digest, totals);
      totals.files -= 1;
      totals.logicalBytes -= stored.size;
      files.removeSync(fileKey(name));
      if (tombstone) tombstones.putSync(Buffer.from(name), encodeVersion(version));
      totals.save();
      this.environment.announce({ kind: 'delete', name, version });
      return { kind: 'deleted', leftGarbage };
    });
  }

  async hasTombstone(name: FileName): Promise<boolean> {
    return this.#tables.tombstones.doesExist(Buffer.from(name));
  }

  async list({ directory, after, limit }: ListRequest): Promise<readonly FileRecord[]> {
    const below = keysBelow(directory);
    const range = { ...(after === undefined ? below : { ...below, start: fileKeyEnd(after) }), limit };
    const files: FileRecord[] = [];
    for (const { key, value } of this.#tables.files.getRange(range)) {
      files.push(decodeFile(nameOfKey(key), value));
    }
    return files;
  }

  async collectGarbage(request: GarbageRequest): Promise<readonly BlobId[]> {
    const copies = await this.environment.write(() => this.#contents.collectGarbage(request));
    // What the journal still names on the disk must not be deleted, or a rebuilt store would name what is gone.
    if (copies.length > 0) await this.environment.syncJournal();
    return copies;
  }

  async totals(): Promise<Totals> {
    return readTotals(this.#tables.meta);
  }

  changesSince(since: number, limit: number): Promise<ChangePage> {
    return this.#feed.page(since, limit);
  }

  waitForChange(after: number, signal: AbortSignal): Promise<void> {
    return this.#waiters.wait(after, signal);
  }

  async lastCheckpoint(): Promise<CheckpointInfo | undefined> {
    return (await this.#checkpoints.list())[0];
  }

  /** Takes a checkpoint if one is due; it is looked from time to time anyway. */
  checkpointIfDue(): Promise<void> {
    return this.#checkpointer.checkpointIfDue();
  }

  async probe(): Promise<void> {
    const time = Buffer.from(new Date().toISOString());
    await this.environment.write(() => this.#tables.meta.putSync(PROBE_KEY, time));
  }

  async close(): Promise<void> {
    this.#waiters.close();
    await this.#checkpointer.stop();
    await this.environment.close();
  }
}

/** A checkpoint makes the journal files before it superfluous, so there are several between two. */
function fileBytes({ checkpoints }: LmdbOptions): number {
  return Math.min(MAX_JOURNAL_FILE_BYTES, Math.ceil(checkpoints.journalBytes / 4));
}
