import type { Readable } from 'node:stream';
import type { Digest, DirectoryName, FileName, Version } from '@filetracker/protocol';

/** What is known of a stored file. */
export interface FileStat {
  readonly name: FileName;
  readonly version: Version;
  /** Length of the plain content in bytes. */
  readonly size: number;
  /** Present only where the store knows it without reading the content. */
  readonly digest?: Digest;
}

/** Something to store: it can be read more than once, since an upload may have to be repeated. */
export interface Content {
  /** Length in bytes; reading more or fewer is an error. */
  readonly size: number;
  /** When given, other bytes are an error. */
  readonly digest?: Digest;
  /** All of it, where it is in memory anyway. */
  readonly bytes?: Uint8Array;
  /** A file that holds just this, where there is one. */
  readonly path?: string;
  /** Starts reading at the first byte. */
  open(): AsyncIterable<Uint8Array>;
}

/** A small file that is put together with others. */
export interface BatchedFile {
  readonly name: FileName;
  readonly version: Version;
  readonly content: Content;
  /** The store probably has this content already, so that its digest may do. Default false. */
  readonly likelyStored?: boolean;
}

/** A stored file with its content under way. */
export interface OpenedFile {
  readonly stat: FileStat;
  /** The plain content. Read it to its end or destroy it: it holds a descriptor or a connection. */
  readonly stream: Readable;
}

/** One entry of a listing. */
export interface ListedFile {
  readonly name: FileName;
  /** Present where the store knows it while listing. */
  readonly stat?: FileStat;
}

/** What is directly in a directory. */
export type DirectoryChild =
  | (ListedFile & { readonly kind: 'file' })
  | { readonly kind: 'directory'; readonly name: FileName };

/** One version in the history of a file: a content, or the moment of a deletion. */
export type FileVersion =
  | (FileStat & { readonly kind: 'stored' })
  | { readonly kind: 'deleted'; readonly name: FileName; readonly version: Version };

/** How far a transfer is. */
export interface Progress {
  /** Bytes of plain content so far. Starts again at 0 when a transfer is repeated. */
  readonly done: number;
  readonly total: number;
}

/** Options of every call. */
export interface CallOptions {
  /** Ends the call early: it rejects with the signal's reason and leaves nothing half done. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of calls that move content. */
export interface TransferOptions extends CallOptions {
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** Options of asking for a file. */
export interface StatOptions extends CallOptions {
  /** Only this version will do. Default: the newest. */
  readonly version?: Version | undefined;
}

/** Options of reading. */
export interface ReadOptions extends StatOptions, TransferOptions {}

/** Options of {@link DataStore.put}. */
export interface PutOptions extends TransferOptions {
  /** False leaves compression on the way to the store. Default true. */
  readonly compress?: boolean | undefined;
  /** The store probably has this content already, under another name or version. Default false. */
  readonly likelyStored?: boolean | undefined;
}

/** Options of {@link DataStore.list}. */
export interface StoreListOptions extends CallOptions {
  /** Only files with this version or an older one. Default: all. */
  readonly cutoff?: Version | undefined;
  /** The files as they were then, in seconds since 1970. Default: as they are. */
  readonly asOf?: number | undefined;
}

/**
 * Holds files by name; the newest version wins, and a store may keep older ones too. A name is never both a file and a directory
 * of another. What is said here holds for every implementation; `test/conformance/data-store.ts` checks it.
 *
 * A failed call changes nothing that readers can see. Errors that are not named here come from the medium:
 * `LocalStoreError`, `ConnectionError`, `ServerError`.
 */
export interface DataStore {
  /**
   * What is stored under a name; undefined for a name that is missing or a directory. Throws
   * `VersionMismatchError` if a version is asked for that is not there, but another one is.
   */
  stat(name: FileName, options?: StatOptions): Promise<FileStat | undefined>;

  /**
   * Opens a file's content. Whoever reads gets the bytes of one version, whatever happens to the name
   * meanwhile; bytes that are known to be wrong or too few end the stream with `ContentError`.
   * Throws `FileNotFoundError`, or `VersionMismatchError` if a version is asked for that is not there, but another one is.
   */
  open(name: FileName, options?: ReadOptions): Promise<OpenedFile>;

  /**
   * Writes a file's content to a path, with the version as its modification time. The path shows its old
   * content or the whole new one. It may become a hard link to the store's own file. Directories above it that are
   * missing are made. Throws as `open` does, and `DestinationError` where the path cannot be written.
   */
  save(name: FileName, path: string, options?: ReadOptions): Promise<FileStat>;

  /**
   * Stores content under a name and resolves with the version that is stored *after* the call: the given one,
   * or a newer one that was there already, in which case nothing was changed. An equal version is replaced.
   * Throws `NameConflictError`, and `ContentError` when the content is not as long or not what it said.
   */
  put(name: FileName, version: Version, content: Content, options?: PutOptions): Promise<Version>;

  /**
   * Stores content under a name as the newest version and resolves with that version: the time now, or the second
   * after the stored version where this lies later. No put that others make meanwhile is overwritten unseen where
   * the store can tell (protocol 3, memory); elsewhere the caller holds a lock or two puts of one second may meet.
   * Throws as `put` does.
   */
  putNewest(name: FileName, content: Content, options?: PutOptions): Promise<Version>;

  /**
   * Removes a file, and the directories that this empties, if the stored version is `upTo` or older; a newer
   * one stays and the call succeeds. Throws `FileNotFoundError`.
   */
  delete(name: FileName, upTo: Version, options?: CallOptions): Promise<void>;

  /**
   * The files in and below a directory, in no particular order; the root of an empty store has none. Throws
   * `NotADirectoryError`, and `UnsupportedError` for the past where none is kept. Changes made during a listing
   * may or may not be seen.
   */
  list(directory: DirectoryName, options?: StoreListOptions): AsyncIterable<ListedFile>;

  /** The files and directories directly in a directory, each once, in no particular order. Throws as `list` does. */
  listChildren(directory: DirectoryName, options?: StoreListOptions): AsyncIterable<DirectoryChild>;

  /**
   * The versions of a file that are kept, newest first: the one that is stored, and in a store with history older
   * ones and deletions. Throws `FileNotFoundError`.
   */
  listVersions(name: FileName, options?: CallOptions): AsyncIterable<FileVersion>;

  /** Ends connections. Calls after it fail. */
  close(): Promise<void>;
}
