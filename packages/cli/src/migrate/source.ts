import type { Content } from '@filetracker/client';
import type { Digest, DirectoryName, FileName, Version } from '@filetracker/protocol';

/** A file as it is at the moment that it is looked at. */
export interface InspectedFile {
  readonly version: Version;
  readonly digest: Digest;
  readonly content: Content;
  /** The same content has another name, or had one, so that the target probably has it. */
  readonly isRepeated: boolean;
}

/** A file that may be stored. */
export interface SourceFile {
  readonly name: FileName;
  /** What it was found to be, where it has been looked at already. */
  readonly inspected?: InspectedFile;
  /** Looks at it; again where it has changed since. Throws {@link SourceProblem}. */
  inspect(): Promise<InspectedFile>;
}

/** Why a file of a source cannot be stored. */
export class SourceProblem extends Error {
  override readonly name = 'SourceProblem';
  readonly code = 'source_problem';
}

/** Told of what a source leaves out. */
export interface SourceObserver {
  /**
   * Nothing at or below this name comes from the source, for a reason in one line. A mirror keeps what it has there.
   * Called before any file that comes behind the name.
   */
  leftOut(name: string, reason: string): void;
  /** The same for what the user wants left out. */
  excluded(name: string): void;
}

/** Files and bytes, still being counted. */
export interface Amount {
  files: number;
  bytes: number;
}

/** Where files come from. */
export interface MigrationSource {
  /** The directory of the store that all names are below. */
  readonly directory: DirectoryName;
  /** All files, in the order of the bytes of their names, some at a time. */
  files(observer: SourceObserver): AsyncIterable<readonly SourceFile[]>;
  /** What else is wrong, once all files have come: one line each. */
  remarks(): AsyncIterable<string>;
  /** Counts what there is into `total`, for people who wait. */
  count(total: Amount, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
