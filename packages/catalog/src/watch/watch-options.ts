import type { BytePath } from '../byte-path.js';
import type { BackendChoice } from './open-source.js';

/**
 * How much of the saved state is believed at the start:
 *
 * - `none`: every file is looked at before the watch calls itself live.
 * - `directories`: the inodes and times of all directories are compared, which shows every entry that came, went or
 *   was renamed; then the watch is live, and every file is looked at in the background, which shows what was written
 *   into files that stayed.
 * - `saved`: only the directories are compared.
 */
export type Trust = 'none' | 'directories' | 'saved';

/** How to watch. */
export interface WatchOptions {
  /** How to learn of events. Default `auto`: the best that works. */
  readonly backend?: BackendChoice;
  /** Default `directories`. */
  readonly trust?: Trust;
  /** A directory is looked at when it has been quiet for so many milliseconds. Default 200. */
  readonly settle?: number;
  /** ... and at the latest so many milliseconds after its first change. Default 2000. */
  readonly maxDelay?: number;
  /** Least time between two comparisons of what no event tells about, in milliseconds. Default 5000. */
  readonly pollInterval?: number;
  /** Directories that may wait while the database cannot be written; beyond, all are compared. Default 200,000. */
  readonly maxWaiting?: number;
  /** See {@link SourceOptions.limitQueue}. Default false. */
  readonly limitQueue?: boolean;
  /** Files whose changes are no news, such as the catalog's own. */
  readonly ignore?: readonly BytePath[];
  /**
   * Take an empty root, or an empty directory that was a mount point, as true although the catalog knows files below it.
   * Default false.
   */
  readonly allowEmpty?: boolean;
  /** Globs of what to leave out; use the same as for scans of this tree. */
  readonly exclude?: readonly string[];
  readonly oneFileSystem?: boolean;
  readonly followMounts?: boolean;
  /** Free-form data to keep with the run. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Ends the watch: what waits is recorded first. */
  readonly signal?: AbortSignal;
}
