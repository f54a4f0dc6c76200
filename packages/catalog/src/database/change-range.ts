import type { BytePath } from '../byte-path.js';
import type { ChangeFilter } from './catalog.js';
import type { ScanId } from './records.js';

/** A part of the history. */
export interface ChangeRange {
  /** Recorded later than this, in milliseconds since 1970. */
  readonly after?: number | undefined;
  /** Recorded at this time or before. */
  readonly upTo?: number | undefined;
  /** Found by this scan. */
  readonly scan?: ScanId;
  /** In this directory or below, also what left it. */
  readonly path?: BytePath;
  /** With a path: only changes of the directory itself and of what is directly in it. */
  readonly onlyDirect?: boolean;
}

/** A part of the history, and in which order it is read. */
export interface OrderedRange extends ChangeRange {
  readonly order: 'oldestFirst' | 'newestFirst';
}

/** The part of the history that a filter asks for, whatever it says of kinds and sizes. */
export function changeRange({ scan, since, until, path }: ChangeFilter): ChangeRange {
  return {
    // Moments are whole milliseconds.
    after: since === undefined ? undefined : Math.ceil(since) - 1,
    upTo: until === undefined ? undefined : Math.ceil(until) - 1,
    ...(scan !== undefined && { scan }),
    ...(path !== undefined && { path }),
  };
}
