import type { Digest, DirectoryName, FileName } from '@filetracker/protocol';
import type { Moment } from './target-history.js';
import type { WalkEvent } from './walk-tree.js';

/** Which tree a thread is to read. */
export interface TreeTask {
  /** Absolute. */
  readonly path: string;
  /** What all names begin with. */
  readonly directory: DirectoryName;
  /** Patterns of what is to be left out. */
  readonly exclude: readonly string[];
  /** Where digests are remembered; nothing is where that is missing. */
  readonly memory: string | undefined;
}

/** What a thread is told. */
export type TreeRequest =
  /**
   * Begin. With `changed`, the target has what is remembered but for these names: other files that are as they were
   * are only counted.
   */
  | { readonly kind: 'begin'; readonly changed: ReadonlySet<string> | undefined }
  /** One more {@link TreeBatch} is wanted. */
  | { readonly kind: 'next' }
  /** What was found in a file that the thread had not read; nothing where it could not be read, or was not. */
  | { readonly kind: 'read'; readonly name: FileName; readonly found?: FoundLater }
  /** Leave what is to be remembered, and end. At the moment, if any, the target had all of it. */
  | { readonly kind: 'end'; readonly moment: Moment | undefined };

/** What was found in a file that the thread had not read. */
export interface FoundLater {
  readonly digest: Digest;
  readonly stamp: Uint8Array;
}

/** What a thread tells: first when the target had all that is remembered, then what it finds. */
export type TreeAnswer =
  | { readonly kind: 'opened'; readonly moment: Moment | undefined }
  | ({ readonly kind: 'batch' } & TreeBatch);

/** Some files in the order of their names, in columns: a message of many objects takes longer than to read the files. */
export interface TreeBatch {
  readonly names: readonly FileName[];
  /** Undefined for a file that was not read: it is large, or cannot be read. */
  readonly digests: readonly (Digest | undefined)[];
  /** For each file {@link NUMBERS}: modification time in seconds, size, where its content begins; -1 if it is not here. */
  readonly numbers: Float64Array<ArrayBuffer>;
  /** Those of these files of which the target must be asked what it has, by their indexes. */
  readonly doubtful: ReadonlySet<number>;
  /** How many other files the target has as they are, and how many bytes they have. */
  readonly unchanged: { readonly files: number; readonly bytes: number };
  /** The contents of small files that were read. */
  readonly contents: Uint8Array<ArrayBuffer>;
  /** What comes before the last of these files and is none. */
  readonly others: readonly Exclude<WalkEvent, { kind: 'file' }>[];
  /** Nothing comes behind it. */
  readonly isLast: boolean;
}

/** Numbers for each file of a batch. */
export const NUMBERS = 3;
