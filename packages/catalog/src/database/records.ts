import type { BytePath } from '../byte-path.js';
import type { Attributes, Entry } from '../entry.js';

/** Number of a scan or a watch; later ones are greater. */
export type ScanId = number;

/** Files, directories and bytes below a directory. Hard links are counted once. */
export interface Totals {
  /** Entries that are no directories. */
  readonly files: number;
  /** Directories, the one itself left out. */
  readonly directories: number;
  /** Lengths of the files, in bytes. */
  readonly bytes: number;
  /** Bytes that files and directories take on the disk, the directory itself included. */
  readonly allocated: number;
}

/** Number of files and what they came to in bytes. */
export interface Tally {
  readonly files: number;
  readonly bytes: number;
}

/**
 * What a run found changed. Bytes are lengths of entries that are no directories, of several names of an inode once,
 * also where another name counts than before: those of `new` and `modified` less those of `removed` are the growth of the
 * sums, but for what was also written when it was renamed.
 */
export interface ChangeTallies {
  readonly new: Tally;
  /** `bytes` is the growth, negative where files shrank. */
  readonly modified: Tally;
  readonly renamed: Tally;
  readonly removed: Tally;
  readonly newDirectories: number;
  readonly removedDirectories: number;
}

/** One scan or watch of one root. */
export interface ScanRun {
  readonly id: ScanId;
  readonly root: BytePath;
  readonly source: 'scan' | 'watch';
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly finishedAt: number;
  /**
   * Since when the history that follows it is whole, in milliseconds since 1970, where changes that came after its end
   * were forgotten; else null. Of moments before, also of its own end, nothing can be told.
   */
  readonly historySince: number | null;
  /** The first look at this root: what it found is the base of the history and not reported as new. */
  readonly isBaseline: boolean;
  /** Totals of the root after the run. */
  readonly totals: Totals;
  readonly changes: ChangeTallies;
  readonly errors: number;
  /** Directories whose content could not be read. */
  readonly unreadableDirectories: number;
  /** Free-form data that the user gave the run. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** What happened to a file or directory. */
export type ChangeKind = 'new' | 'modified' | 'renamed' | 'removed';

/** One change that a run found. */
export interface FileChange {
  /** Place in the history of all changes; later ones are greater. */
  readonly sequence: number;
  readonly scan: ScanId;
  /** When it was recorded, in milliseconds since 1970: between the begin and the end of the run. */
  readonly recordedAt: number;
  readonly kind: ChangeKind;
  /** Where it is, or for `removed` was. */
  readonly path: BytePath;
  /** For `renamed`: where it was before. */
  readonly previousPath: BytePath | null;
  /** How it was; null for `new`. */
  readonly before: CountedAttributes | null;
  /** How it is; null for `removed`. */
  readonly after: CountedAttributes | null;
  /**
   * Nothing changed about the file, but sums of directories did: of the names of its inode this one counts since then
   * instead of another one, or no more. Only where {@link ChangeFilter.withRecounts} asks for it; of the kind `modified`.
   */
  readonly isRecount: boolean;
}

/** Attributes, and whether the size is in the sums of the directories above. */
export interface CountedAttributes extends Attributes {
  /** Of the names of one inode only one is counted; of a directory itself none. In what was recorded before catalogs knew this, all are. */
  readonly isCounted: boolean;
}

/** What a mutation tells: a change, a scan that found changes, or events that were lost. */
export type MutationKind = ChangeKind | 'scan' | 'gap';

/** One row of the log that followers of events read. */
export interface Mutation {
  /** Place in the log; later ones are greater. A cursor to go on behind. */
  readonly sequence: number;
  /** Milliseconds since 1970. */
  readonly recordedAt: number;
  readonly kind: MutationKind;
  /** What changed; the root of a scan; the directory about which events were lost. */
  readonly path: BytePath;
  /** For `renamed`: where it was before. */
  readonly previousPath: BytePath | null;
  /** The run that found it; null for `gap`. */
  readonly scan: ScanId | null;
  /** How it was and is; null for `scan` and `gap`, and where the history has been pruned. */
  readonly before: Attributes | null;
  readonly after: Attributes | null;
}

/** A directory as the catalog knows it. */
export interface DirectoryRecord {
  readonly path: BytePath;
  readonly attributes: Attributes;
  readonly totals: Totals;
}

/** A file with its path. */
export interface FileRecord extends Entry {
  readonly path: BytePath;
}

/** Something that could not be read. */
export interface ScanError {
  readonly scan: ScanId;
  readonly path: BytePath;
  /** Positive error number of the system. */
  readonly errno: number;
}
