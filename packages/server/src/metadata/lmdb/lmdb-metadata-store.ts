import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest, FileName, Version } from '@filetracker/protocol';
import type { BlobId } from '../../blobs/blob-store.js';
import type { CheckpointPolicy } from '../checkpoints/checkpointer.js';
import type { DirectoryEntry, ListChildrenRequest, ListRequest } from '../listing.js';
import type { MetadataAudit } from '../metadata-audit.js';
import type {
  ChangePage,
  CheckpointInfo,
  ContentLocation,
  DeleteOptions,
  DeleteOutcome,
  ExpiryOutcome,
  FileRecord,
  FoundFile,
  GarbageRequest,
  KeptVersion,
  MetadataStore,
  PutOptions,
  PutOutcome,
  QuotaState,
  StoredContent,
  Totals,
  VersionsRequest,
} from '../metadata-store.js';
import type { StoreRules } from '../rules.js';
import { LmdbAudit } from './audit.js';
import { ChangeLog, journalFileBytes } from './change-log.js';
import { Changes } from './changes.js';
import { Contents } from './contents.js';
import { Environment } from './environment.js';
import { History } from './history.js';
import { readHistorySums } from './history-sums.js';
import { METADATA } from './layout.js';
import { listChildren, listFiles, listVersions } from './listing.js';
import { NameConflicts } from './name-conflicts.js';
import { findNewest } from './names.js';
import { LmdbSnapshot } from './snapshot.js';
import type { Tables } from './tables.js';
import { readTotals } from './totals.js';
import { Usage } from './usage.js';

/** How the metadata of a store is opened. */
interface LmdbOptions {
  /** False acknowledges commits before they are on the disk. */
  readonly durable: boolean;
  /** True on a disk that nobody can write to: see {@link Environment.open}. */
  readonly frozen?: boolean;
  readonly rules: StoreRules;
  /** None takes no checkpoints. */
  readonly checkpoints?: CheckpointPolicy | undefined;
  /** Told of failures in work that no call waits for; without it they become warnings of the process. */
  readonly onError?: (error: unknown) => void;
  /** Told when this process can use the metadata no more, not even to read: see {@link Environment.write}. */
  readonly onUnusable?: ((error: unknown) => void) | undefined;
  /** The clock by which versions of the past expire, in milliseconds since 1970. */
  readonly now?: () => number;
}

/** Where a probe leaves its time: a transaction that writes nothing would not reach the disk. */
const PROBE_KEY = Buffer.from('probe');

/** Metadata in LMDB, with a journal and checkpoints beside it. */
export class LmdbMetadataStore implements MetadataStore {
  readonly #tables: Tables;
  readonly #contents: Contents;
  readonly #history: History;
  readonly #usage: Usage;
  readonly #changes: Changes;
  readonly #log: ChangeLog;

  private constructor(
    private readonly environment: Environment,
    root: string,
    options: LmdbOptions,
  ) {
    const { rules, now = Date.now } = options;
    this.#tables = environment.tables;
    this.#contents = new Contents(this.#tables);
    this.#history = new History(this.#tables, this.#contents, rules.history, now);
    this.#usage = new Usage(this.#tables, rules.quotas);
    const conflicts = new NameConflicts(this.#tables.files, () => environment.transaction);
    this.#changes = new Changes(this.#tables, this.#contents, this.#history, this.#usage, conflicts, rules);
    this.#log = new ChangeLog(environment, root, options);
  }

  /**
   * Opens the metadata of the store in directory `root`, creating it where there is none; see
   * {@link Environment.open}.
   */
  static async open(root: string, options: LmdbOptions): Promise<LmdbMetadataStore> {
    const { durable, frozen, checkpoints, onError, onUnusable } = options;
    const bytes = journalFileBytes(checkpoints);
    const environment = await Environment.open(root, {
      durable,
      frozen,
      journalFileBytes: bytes,
      onError,
      onUnusable,
    });
    return new LmdbMetadataStore(environment, root, options);
  }

  async findFile(name: FileName, version?: Version): Promise<FoundFile | undefined> {
    const file = this.#find(name, version);
    return file && Object.assign(file, { location: this.#contents.find(file.digest)?.location });
  }

  async findContent(digest: Digest): Promise<StoredContent | undefined> {
    return this.#contents.find(digest);
  }

  putFile(file: FileRecord, options: PutOptions = {}): Promise<PutOutcome> {
    return this.environment.write(() => {
      const outcome = this.#changes.put(file, options);
      if (outcome.kind === 'stored') this.environment.announce({ kind: 'put', file });
      return outcome;
    });
  }

  replaceLostCopy(digest: Digest, lost: BlobId, location: ContentLocation): Promise<boolean> {
    return this.environment.write(() => this.#contents.replaceLostCopy(digest, lost, location));
  }

  deleteFile(name: FileName, version: Version, options: DeleteOptions = {}): Promise<DeleteOutcome> {
    return this.environment.write(() => {
      const outcome = this.#changes.delete(name, version, options);
      if (outcome.kind === 'deleted') this.environment.announce({ kind: 'delete', name, version });
      return outcome;
    });
  }

  async hasTombstone(name: FileName): Promise<boolean> {
    return this.#tables.tombstones.doesExist(Buffer.from(name));
  }

  async list(request: ListRequest): Promise<readonly FileRecord[]> {
    return listFiles(this.#tables, request);
  }

  async listChildren(request: ListChildrenRequest): Promise<readonly DirectoryEntry[]> {
    return listChildren(this.#tables, request);
  }

  async versions(request: VersionsRequest): Promise<readonly KeptVersion[]> {
    return listVersions(this.#tables, request);
  }

  async expireHistory(limit: number): Promise<ExpiryOutcome> {
    const leftGarbage =
      this.#history.isDue && (await this.environment.write(() => this.#history.expire(limit)));
    return { leftGarbage, next: this.#history.nextExpiry };
  }

  async collectGarbage(request: GarbageRequest): Promise<readonly BlobId[]> {
    const copies = await this.environment.write(() => this.#contents.collectGarbage(request));
    // What the journal still names on the disk must not be deleted, or a rebuilt store would name what is gone.
    if (copies.length > 0) await this.environment.syncJournal();
    return copies;
  }

  async garbage(most: number): Promise<number> {
    return this.#contents.garbage(most);
  }

  async totals(): Promise<Totals> {
    const { versions, bytes } = readHistorySums(this.#tables.meta);
    return { ...readTotals(this.#tables.meta), keptVersions: versions, keptBytes: bytes };
  }

  async checkQuota(file: Omit<FileRecord, 'digest'>): Promise<void> {
    if (!this.#usage.isLimited) return;
    const stored = findNewest(this.#tables.files, file.name);
    // A put of an older version has no effect.
    if (!stored || stored.version <= file.version) this.#usage.refuseExcess(file, stored);
  }

  async countForQuotas(limit: number): Promise<boolean> {
    return this.#usage.isIncomplete && this.environment.write(() => this.#usage.countMore(limit));
  }

  async quotas(): Promise<readonly QuotaState[]> {
    return this.#usage.states();
  }

  async probe(): Promise<void> {
    const time = Buffer.from(new Date().toISOString());
    await this.environment.write(() => this.#tables.meta.putSync(PROBE_KEY, time));
  }

  changesSince(since: number, limit: number): Promise<ChangePage> {
    return this.#log.page(since, limit);
  }

  waitForChange(after: number, signal: AbortSignal): Promise<void> {
    return this.#log.wait(after, signal);
  }

  async lastCheckpoint(): Promise<CheckpointInfo | undefined> {
    return this.#log.lastCheckpoint();
  }

  /** Takes a checkpoint if one is due; it is looked from time to time anyway. */
  async checkpointIfDue(): Promise<void> {
    await this.#log.checkpointIfDue();
  }

  /** Copies the metadata, as it is at one moment, into a directory below an empty one. */
  async snapshot(directory: string): Promise<LmdbSnapshot> {
    await mkdir(join(directory, METADATA), { recursive: true });
    await this.environment.copyTo(join(directory, METADATA));
    return new LmdbSnapshot(directory);
  }

  /** Every row, for recovery and scrubbing. */
  audit(): MetadataAudit {
    return new LmdbAudit(this.environment);
  }

  async close(): Promise<void> {
    await this.#log.close();
    await this.environment.close();
  }

  #find(name: FileName, version: Version | undefined): FileRecord | undefined {
    const newest = findNewest(this.#tables.files, name);
    if (version === undefined || newest?.version === version) return newest;
    const past = this.#history.find(name, version);
    return past && { name, version, digest: past.digest, size: past.size };
  }
}
