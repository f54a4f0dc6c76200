import type { Digest, FileName, Version } from '@filetracker/protocol';
import type { BlobId } from '../blobs/blob-store.js';
import type { Condition } from './conditions.js';
import type { DirectoryEntry, ListChildrenRequest, ListRequest } from './listing.js';
import type { Quota } from './rules.js';

/** Where a content's bytes are. */
export type ContentLocation =
  /** A small content, as it is or as one zstd frame. */
  | { readonly kind: 'inline'; readonly encoding: 'raw' | 'zstd'; readonly bytes: Uint8Array }
  | { readonly kind: 'blob'; readonly blob: BlobId; readonly storedSize: number };

/** One version of a file. */
export interface FileRecord {
  readonly name: FileName;
  readonly version: Version;
  readonly digest: Digest;
  /** Length of the plain content in bytes. */
  readonly size: number;
}

/** A file and where its bytes are; no location means that the metadata itself is damaged. */
export interface FoundFile extends FileRecord {
  readonly location: ContentLocation | undefined;
}

/** A version that is kept of a file: its newest, or one that was overwritten or deleted. */
export interface KeptVersion extends FileRecord {
  /** The version of the deletion that ended it; `undefined` when it is stored or was overwritten. */
  readonly deletion: Version | undefined;
}

/** A content that is stored. */
export interface StoredContent {
  /** Length of the plain content in bytes. */
  readonly size: number;
  readonly location: ContentLocation;
}

/** What a file is put with. */
export interface PutOptions {
  /** A copy of the content, which must be durable already; it is kept if the content is not here yet. */
  readonly location?: ContentLocation | undefined;
  readonly condition?: Condition | undefined;
}

/** What became of a {@link MetadataStore.putFile}. */
export type PutOutcome =
  /**
   * `copyKept` false: the content was there already, and the copy that was offered is not needed.
   * `leftGarbage`: what was replaced left a copy that nothing refers to.
   */
  | { readonly kind: 'stored'; readonly copyKept: boolean; readonly leftGarbage: boolean }
  /** `stored` is newer, or has the same content and may not be changed. It stays as it is. */
  | { readonly kind: 'unchanged'; readonly stored: FileRecord }
  /** No location was offered, and the content is not here (any more); nothing changed. */
  | { readonly kind: 'content-missing' };

/** How a file is deleted. */
export interface DeleteOptions {
  /** Remember that the name was deleted, until it is put again. */
  readonly tombstone?: boolean;
  readonly condition?: Condition | undefined;
}

/** What became of a {@link MetadataStore.deleteFile}. */
export type DeleteOutcome =
  /** `leftGarbage`: there is a copy now that nothing refers to. */
  | { readonly kind: 'deleted'; readonly leftGarbage: boolean }
  /** A newer version is stored; nothing changed. */
  | { readonly kind: 'newer' }
  | { readonly kind: 'missing' };

/** Sums over the whole store, kept up to date by every change. */
export interface Totals {
  /** Names. */
  readonly files: number;
  /** Bytes of plain content, counted once for each name. */
  readonly logicalBytes: number;
  /** Overwritten and deleted versions that are kept. */
  readonly keptVersions: number;
  /** Bytes of plain content, counted once for each of these. */
  readonly keptBytes: number;
  /** Distinct contents, of files and of kept versions. */
  readonly contents: number;
  /** Bytes of plain content, counted once for each distinct content. */
  readonly contentBytes: number;
  /** Bytes of the stored copies. */
  readonly storedBytes: number;
}

/** A quota and what is used of it. */
export interface QuotaState extends Quota {
  readonly used: number;
  /** Not all files that were there before the quota are counted yet, so that more is used. */
  readonly counting: boolean;
}

/** Which kept versions of a file are wanted. */
export interface VersionsRequest {
  readonly name: FileName;
  /** Only versions older than this one. */
  readonly before?: Version | undefined;
  /** At most so many; fewer mean that there are no more. */
  readonly limit: number;
}

/** Which garbage is dealt with. */
export interface GarbageRequest {
  readonly limit: number;
  /** Copies that were returned before and are deleted durably now. */
  readonly deleted: readonly BlobId[];
}

/** A change of the store, as those who follow it are told. */
export type StoreChange =
  | {
      readonly kind: 'put';
      /** Changes are numbered in the order of their commits. Not every number is a change of a file. */
      readonly sequence: number;
      /** Milliseconds since 1970. */
      readonly time: number;
      readonly file: FileRecord;
    }
  | {
      readonly kind: 'delete';
      readonly sequence: number;
      readonly time: number;
      readonly name: FileName;
      readonly version: Version;
    }
  /** What happened under these numbers cannot be told any more. */
  | { readonly kind: 'gap'; readonly from: number; readonly to: number };

/** Some changes one after the other. */
export interface ChangePage {
  readonly changes: readonly StoreChange[];
  /** Everything up to this sequence was told: go on behind it. */
  readonly last: number;
  /** The newest change that was committed when the page was read. */
  readonly newest: number;
}

/** A copy of the metadata from which, with the journal, it could be rebuilt. */
export interface CheckpointInfo {
  readonly sequence: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly bytes: number;
}

/** What became of a {@link MetadataStore.expireHistory}. */
export interface ExpiryOutcome {
  /** There is a copy now that nothing refers to. */
  readonly leftGarbage: boolean;
  /** When there is more to forget, in milliseconds since 1970; `undefined` when no version waits for its end. */
  readonly next: number | undefined;
}

/**
 * The truth about names: which exist, in which version, with which content, and how often each content is
 * referred to. Every change is atomic, and durable when its promise resolves. Several processes may use one
 * store at once; races between them about a name or a content are decided here and nowhere else.
 */
export interface MetadataStore {
  /**
   * A file, or `undefined`: its newest version, or with `version` exactly that one, if it is the newest or is
   * kept. Sees every change that was acknowledged before the call.
   */
  findFile(name: FileName, version?: Version): Promise<FoundFile | undefined>;

  /** A content and where it is, or `undefined`. */
  findContent(digest: Digest): Promise<StoredContent | undefined>;

  /**
   * Stores a version of a file, unless a newer one is stored. What it overwrites is kept as far as the rules of
   * the store say; a version equal to it is replaced. Throws `ProtocolError`, and nothing has changed:
   * `precondition_failed`; `forbidden` where the rules let nothing be overwritten; `name_conflict` where the
   * name is a directory or lies below a file; `quota_exceeded` where the file would take more than there may be.
   */
  putFile(file: FileRecord, options?: PutOptions): Promise<PutOutcome>;

  /**
   * Puts another copy of a content in the place of one that was lost. False when the content is not kept in
   * `lost` (any more); nothing changed then.
   */
  replaceLostCopy(digest: Digest, lost: BlobId, location: ContentLocation): Promise<boolean>;

  /**
   * Deletes a file whose version is `version` or older. It is kept as far as the rules of the store say. Throws
   * `ProtocolError` `precondition_failed` or `forbidden`; nothing has changed then.
   */
  deleteFile(name: FileName, version: Version, options?: DeleteOptions): Promise<DeleteOutcome>;

  /** Whether the name was deleted with a tombstone and not put since. */
  hasTombstone(name: FileName): Promise<boolean>;

  /**
   * One page of a listing in the order of the names' UTF-8 bytes. Pages are read one by one and not from one
   * snapshot: a file that is there during the whole listing is listed exactly once.
   */
  list(request: ListRequest): Promise<readonly FileRecord[]>;

  /**
   * One page of what lies directly in a directory, in the order of the entries' UTF-8 bytes, with a `/` behind
   * the names of directories. Costs the same for each entry, whatever a directory holds: but for the past, where
   * it takes reading what the directory holds now to see that it held nothing then.
   */
  listChildren(request: ListChildrenRequest): Promise<readonly DirectoryEntry[]>;

  /** The versions that are kept of a file, the newest first. Empty where nothing is known of the name. */
  versions(request: VersionsRequest): Promise<readonly KeptVersion[]>;

  /** Forgets up to `limit` versions that the rules of the store keep no longer. */
  expireHistory(limit: number): Promise<ExpiryOutcome>;

  /**
   * Forgets contents that no file refers to, and returns up to `limit` copies that nothing names any more, ever
   * again: they may be deleted. A copy is returned by every call, also after a crash, until `deleted` says that
   * it is gone for good.
   */
  collectGarbage(request: GarbageRequest): Promise<readonly BlobId[]>;

  /** How many contents and copies {@link collectGarbage} has yet to deal with; `most` stands for that many or more. */
  garbage(most: number): Promise<number>;

  totals(): Promise<Totals>;

  /**
   * Throws `ProtocolError` `quota_exceeded` if a file could not be put at this moment for its size. Spares the
   * transfer of its content; {@link putFile} decides.
   */
  checkQuota(file: Omit<FileRecord, 'digest'>): Promise<void>;

  /**
   * Counts up to `limit` more of the files that were stored before there was a quota for their directory. False when
   * all are counted.
   */
  countForQuotas(limit: number): Promise<boolean>;

  /** The quotas among the rules of the store. */
  quotas(): Promise<readonly QuotaState[]>;

  /**
   * Up to about `limit` committed changes behind the sequence `since`, oldest first. May tell fewer than there
   * are, or none, and still get on: `last` says how far. Holds nothing between two calls.
   */
  changesSince(since: number, limit: number): Promise<ChangePage>;

  /** Resolves when there is a change behind `after`, of any process, or when `signal` aborts. */
  waitForChange(after: number, signal: AbortSignal): Promise<void>;

  /** The newest checkpoint, or `undefined` before the first. */
  lastCheckpoint(): Promise<CheckpointInfo | undefined>;

  /** Commits as durably as a change, and changes nothing that can be read. Rejects when a change would. */
  probe(): Promise<void>;

  /** Waits for the changes under way and closes. */
  close(): Promise<void>;
}
