import type { Digest, DirectoryName, FileName } from '@filetracker/protocol';
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
  /** One more {@link TreeBatch} is wanted. */
  | { readonly kind: 'next' }
  /** What was found in a file that the thread had not read; nothing where it could not be read, or was not. */
  | { readonly kind: 'read'; readonly name: FileName; readonly digest?: Digest; readonly stamp?: Uint8Array }
  /** Leave what is to be remembered, and end. */
  | { readonly kind: 'end' };

/** Some files in the order of their names, in columns: a message of many objects takes longer than to read the files. */
export interface TreeBatch {
  readonly names: readonly FileName[];
  /** Undefined for a file that was not read: it is large, or cannot be read. */
  readonly digests: readonly (Digest | undefined)[];
  /** For each file {@link NUMBERS}: modification time in seconds, size, where its content begins; -1 if it is not here. */
  readonly numbers: Float64Array<ArrayBuffer>;
  /** The contents of small files that were read. */
  readonly contents: Uint8Array<ArrayBuffer>;
  /** What comes before the last of these files and is none. */
  readonly others: readonly Exclude<WalkEvent, { kind: 'file' }>[];
  /** Nothing comes behind it. */
  readonly isLast: boolean;
}

/** Numbers for each file of a batch. */
export const NUMBERS = 3;
