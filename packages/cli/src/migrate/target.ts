import type {
  BatchedFile,
  BatchOutcome,
  CallOptions,
  Content,
  FileStat,
  PutOptions,
  StoreChange,
} from '@filetracker/client';
import type { DirectoryName, FileName, Version } from '@filetracker/protocol';

/** A file that a target has already. */
export interface ExistingFile {
  readonly name: FileName;
  /** What it is, where the listing tells. */
  readonly known?: FileStat;
  stat(): Promise<FileStat | undefined>;
}

/** What a target that numbers its changes tells of them. */
export interface ChangeFeed {
  /** The changes behind a number, in their order, as far as the target knows them. */
  changes(since: number, signal: AbortSignal): AsyncIterable<StoreChange>;
}

/** Where files go. */
export interface MigrationTarget {
  /** Absent where the target does not number its changes. */
  readonly feed?: ChangeFeed | undefined;
  /**
   * The files below a directory, in the order of the bytes of their names, some at a time; none where the directory is
   * missing.
   */
  list(directory: DirectoryName, signal: AbortSignal): AsyncIterable<readonly ExistingFile[]>;
  /** What a file is now; undefined where there is none, or where asking for it would store it. */
  stat(name: FileName, signal: AbortSignal): Promise<FileStat | undefined>;
  /** Stores a version and resolves with what is stored afterwards: a newer one, or its deletion, stays. */
  put(name: FileName, version: Version, content: Content, options: PutOptions): Promise<Version | 'deleted'>;
  /** Stores many small files, and says of each in their order what {@link put} would resolve with, or throw. */
  putBatch(
    files: readonly BatchedFile[],
    options: CallOptions,
  ): Promise<readonly (BatchOutcome | 'deleted')[]>;
  /** Removes a file unless it is newer by now. */
  delete(name: FileName, upTo: Version): Promise<void>;
  close(): Promise<void>;
}
