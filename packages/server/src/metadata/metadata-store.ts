import type { Digest, DirectoryName, FileName, Version } from '@filetracker/protocol';
import type { BlobId } from '../blobs/blob-store.js';

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

/** What became of a {@link MetadataStore.putFile}. */
export type PutOutcome =
  /**
   * `copyKept` false: the content was there already, and the copy that was offered is not needed.
   * `leftGarbage`: what was replaced left a copy that nothing refers to.
   */
  | { readonly kind: 'stored'; readonly copyKept: boolean; readonly leftGarbage: boolean }
  /** A newer version is stored; nothing changed. */
  | { readonly kind: 'newer'; readonly version: Version }
  /** No location was offered, and the content is not here (any more); nothing changed. */
  | { readonly kind: 'content-missing' };

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
  /** Distinct contents. */
  readonly contents: number;
  /** Bytes of plain content, counted once for each distinct content. */
  readonly contentBytes: number;
  /** Bytes of the stored copies. */
  readonly storedBytes: number;
}

/** Which part of a listing is wanted. */
export interface ListRequest {
  /** Files below this directory, at any depth. */
  readonly directory: DirectoryName;
  /** Only names after this one, in the order of their UTF-8 bytes. */
  readonly after?: FileName;
  /** At most so many. */
  readonly limit: number;
}

/** Which garbage is dealt with. */
export interface GarbageRequest {
  readonly limit: number;
  /** Copies that were returned before and are deleted durably now. */
  readonly deleted: readonly BlobId[];
}

/**
 * The truth about names: which exist, in which version, with which content, and how often each content is
 * referred to. Every change is atomic, and durable when its promise resolves. Several processes may use one
 * store at once; races between them about a name or a content are decided here and nowhere else.
 */
export interface MetadataStore {
  /** The newest version of a file, or `undefined`. Sees every change that was acknowledged before the call. */
  findFile(name: FileName): Promise<FoundFile | undefined>;

  /** Where a content is, or `undefined`. */
  findContent(digest: Digest): Promise<ContentLocation | undefined>;

  /**
   * Stores a version of a file. `location` offers a copy of the content, which must be durable already; it is
   * kept if the content is not here yet. Throws `ProtocolError` `name_conflict` where the name is a directory
   * or lies below a file.
   */
  putFile(file: FileRecord, location?: ContentLocation): Promise<PutOutcome>;

  /**
   * Puts another copy of a content in the place of one that was lost. False when the content is not kept in
   * `lost` (any more); nothing changed then.
   */
  replaceLostCopy(digest: Digest, lost: BlobId, location: ContentLocation): Promise<boolean>;

  /**
   * Deletes a file whose version is `version` or older. With `tombstone` it is remembered that the name was
   * deleted, until it is put again.
   */
  deleteFile(
    name: FileName,
    version: Version,
    options: { readonly tombstone: boolean },
  ): Promise<DeleteOutcome>;

  /** Whether the name was deleted with a tombstone and not put since. */
  hasTombstone(name: FileName): Promise<boolean>;

  /**
   * One page of a listing in the order of the names' UTF-8 bytes. Pages are read one by one and not from one
   * snapshot: a file that is there during the whole listing is listed exactly once.
   */
  list(request: ListRequest): Promise<readonly FileRecord[]>;

  /**
   * Forgets contents that no file refers to, and returns up to `limit` copies that nothing names any more, ever
   * again: they may be deleted. A copy is returned by every call, also after a crash, until `deleted` says that
   * it is gone for good.
   */
  collectGarbage(request: GarbageRequest): Promise<readonly BlobId[]>;

  totals(): Promise<Totals>;

  /** Commits as durably as a change, and changes nothing that can be read. Rejects when a change would. */
  probe(): Promise<void>;

  /** Waits for the changes under way and closes. */
  close(): Promise<void>;
}
