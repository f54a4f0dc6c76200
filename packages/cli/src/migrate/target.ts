import type { Content, FileStat, PutOptions } from '@filetracker/client';
import type { DirectoryName, FileName, Version } from '@filetracker/protocol';

/** A file that a target has already. */
export interface ExistingFile {
  readonly name: FileName;
  stat(): Promise<FileStat | undefined>;
}

/** Where files go. */
export interface MigrationTarget {
  /** The files below a directory, in the order of the bytes of their names; none where the directory is missing. */
  list(directory: DirectoryName, signal: AbortSignal): AsyncIterable<ExistingFile>;
  /** Stores a version and resolves with what is stored afterwards: a newer one, or its deletion, stays. */
  put(name: FileName, version: Version, content: Content, options: PutOptions): Promise<Version | 'deleted'>;
  /** Removes a file unless it is newer by now. */
  delete(name: FileName, upTo: Version): Promise<void>;
  close(): Promise<void>;
}
