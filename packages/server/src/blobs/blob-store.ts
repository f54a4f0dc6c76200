import type { Digest } from '@filetracker/protocol';

declare const blobIdBrand: unique symbol;

/** Names one stored copy of a content. Never used twice, so deleting one can never hit another copy. */
export type BlobId = string & { readonly [blobIdBrand]: true };

/** A copy that is being written. Nothing of it is visible before `publish`. End it with `publish` or `discard`. */
export interface StagedBlob {
  /** Appends bytes. Fails with the back end's error when there is no room. */
  write(bytes: Uint8Array): Promise<void>;

  /**
   * Makes the copy readable and durable: once this resolves it survives a power cut. The copy counts as
   * unclaimed, and may be swept by a later start, until {@link BlobStore.claim} says that metadata names it.
   */
  publish(digest: Digest): Promise<BlobId>;

  /** Drops what was written. Does nothing after `publish`. */
  discard(): Promise<void>;
}

/** An open copy: it stays readable until `close`, also when it is deleted meanwhile. */
export interface OpenBlob {
  /** Descriptor for positioned reads, in this process and its threads. Valid until `close`. */
  readonly fd: number;

  close(): Promise<void>;
}

/** A published copy as it stands in the store. */
export interface StoredCopy {
  readonly id: BlobId;
  readonly digest: Digest;
  /** Its length in bytes. */
  readonly bytes: number;
}

/** Keeps immutable byte sequences. It knows nothing of names, versions or reference counts. */
export interface BlobStore {
  /** Begins a new copy. */
  stage(): Promise<StagedBlob>;

  /** Opens a copy. Resolves only when its bytes are there; `undefined` when there is no such copy. */
  open(id: BlobId): Promise<OpenBlob | undefined>;

  /** Where threads of this process read a copy, whether it is there or not. It may be deleted at any moment. */
  pathOf(id: BlobId): string;

  /** Says that metadata names this copy now, durably: a sweep will leave it alone. */
  claim(id: BlobId): Promise<void>;

  /** Deletes a copy; one that is not there is fine. Durable at some later time. */
  delete(id: BlobId): Promise<void>;

  /** Deletes copies as `delete` does, unless that is held. Once this resolves, no power cut brings them back. */
  deleteDurably(ids: readonly BlobId[]): Promise<'deleted' | 'held'>;

  /**
   * From when this resolves until the returned function is called, `deleteDurably` of every process deletes nothing
   * and answers `held`: what metadata names at any moment in between stays readable.
   */
  holdDeletions(): Promise<() => void>;

  /**
   * Makes a copy available under the same id in a directory that is laid out alike: its bytes durably, its name only
   * once {@link syncNames} was called there.
   */
  mirror(id: BlobId, target: string): Promise<'linked' | 'copied' | 'present'>;

  /** Makes the names of all published copies durable. */
  syncNames(): Promise<void>;

  /**
   * Removes what crashed writers left behind, at a cost proportional to the writes that were in flight:
   * staged bytes, and published copies that `isNamed` does not know. Writers that are alive are left alone.
   * Returns the number of files removed.
   */
  sweep(isNamed: (id: BlobId, digest: Digest) => Promise<boolean>): Promise<number>;

  /** All published copies of contents whose digest begins with this byte, whether metadata names them or not. */
  copies(firstByte: number): Promise<readonly StoredCopy[]>;

  /** Moves a damaged copy out of the store, durably, to where people find it. Returns where that is. */
  quarantine(id: BlobId): Promise<string>;

  /** Keeps bytes aside in the same way that were stored elsewhere and are no sound copy of a content. */
  quarantineBytes(digest: Digest, bytes: Uint8Array): Promise<string>;

  /** Room left for blobs in bytes. */
  freeBytes(): Promise<number>;

  /** Gives up what this process holds. Staged copies must have ended. */
  close(): Promise<void>;
}
