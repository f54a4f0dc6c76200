import type { BytePath } from '../byte-path.js';
import type { NameBytes } from '../listing/listing-writer.js';
import type { StatFields } from '../listing/stat-fields.js';

/** A system call that failed; `errno` is positive. */
export class SystemCallError extends Error {
  override readonly name = 'SystemCallError';

  constructor(
    readonly call: string,
    readonly errno: number,
  ) {
    super(`${call} failed with errno ${errno}`);
  }
}

/** What a directory holds under a name, as far as the listing tells without looking. */
export type ListedType = 'directory' | 'other' | 'untold';

/** Shown every entry of a directory but `.` and `..`; `name` is only valid during the call. */
export type ListedEntry = (name: NameBytes, type: ListedType) => void;

/**
 * Reads directories, one at a time, synchronously (a crawler thread has nothing else to do, and the thread pool of
 * asynchronous calls was measured 2 to 5 times slower). Every failure is a {@link SystemCallError}; nothing follows
 * a symbolic link.
 */
export interface DirectoryReader {
  /** Looks at a path without opening it. */
  look(path: BytePath, into: StatFields): void;
  /** Opens a directory and looks at it. It stays open until {@link close}. */
  open(path: BytePath, into: StatFields): void;
  /** Shows the open directory's entries. A failure in the middle throws: what was shown is not all there is. */
  list(each: ListedEntry): void;
  /** Looks at an entry of the open directory. */
  lookAt(name: NameBytes, into: StatFields): void;
  /** Type of the file system that holds the open directory, the magic number of statfs(2). */
  fileSystemType(): number;
  /** Closes the open directory, if one is. */
  close(): void;
}
