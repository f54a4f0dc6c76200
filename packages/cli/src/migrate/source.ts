import type { Content } from '@filetracker/client';
import type { Digest, DirectoryName, FileName, Version } from '@filetracker/protocol';
import type { Moment } from './target-history.js';

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
  /** Where the target is not listed: it may have the file, and must be asked. */
  readonly isDoubtful?: boolean;
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
  /** So many files, which do not come, are in the target as they are; they have so many bytes. */
  unchanged(files: number, bytes: number): void;
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
  /** Whether all of it is one file, which has the name of the directory: then the target is not listed. */
  readonly isSingleFile?: boolean;
  /** When the target had all files that the source remembers from an earlier run; undefined where that is not known. */
  remembered(): Promise<Moment | undefined>;
  /**
   * All files, in the order of the bytes of their names, some at a time.
   *
   * @param changed names that have changed in the target since the moment of {@link remembered}. With it, those files do
   *   not come which are as they were then and are not among these; of the others {@link SourceFile.isDoubtful} tells
   */
  files(observer: SourceObserver, changed?: ReadonlySet<string>): AsyncIterable<readonly SourceFile[]>;
  /** Remembers, once all files have come, that the target had them at a moment, if it had. */
  remember(moment: Moment | undefined): void;
  /** What else is wrong, once all files have come: one line each. */
  remarks(): AsyncIterable<string>;
  /** Counts what there is into `total`, for people who wait. */
  count(total: Amount, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
