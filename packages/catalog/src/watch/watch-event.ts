import type { BytePath } from '../byte-path.js';
import type { Totals } from '../database/records.js';
import type { RecordedBatch } from '../database/watch-recorder.js';
import type { Backend } from './event-source.js';
import type { RejectedBackend } from './open-source.js';
import type { UnreadableDirectories } from './unreadable.js';

/** What a watch tells. */
export type WatchEvent =
  /** The catalog is as the disk is, and follows it from now on. */
  | {
      readonly kind: 'started';
      readonly root: BytePath;
      readonly backend: Backend;
      /** Better ways to learn of events, and why they were not taken. */
      readonly rejected: readonly RejectedBackend[];
      readonly totals: Totals;
      /** Whether the catalog knew nothing of the root: then it was scanned. */
      readonly isFirst: boolean;
      /** Directories that had changed since the state was saved. */
      readonly changedDirectories: number;
      readonly milliseconds: number;
    }
  /** Changes were recorded. */
  | { readonly kind: 'batch'; readonly root: BytePath; readonly batch: RecordedBatch }
  | {
      readonly kind: 'state';
      readonly root: BytePath;
      /**
       * `live`: the catalog follows the disk. `checking`: a part is being compared with the disk. `waiting`: nothing
       * can be recorded at the moment; changes collect.
       */
      readonly state: 'live' | 'checking' | 'waiting';
      /** Why, for a state that is not `live`. */
      readonly reason: string | undefined;
    }
  /** Events were lost; what they may have told is being looked for. */
  | { readonly kind: 'gap'; readonly root: BytePath; readonly path: BytePath; readonly reason: string }
  /** A part of the tree is compared from time to time, because no event tells of it. */
  | { readonly kind: 'unwatched'; readonly root: BytePath; readonly path: BytePath; readonly reason: string }
  /**
   * A look at everything in and below a directory found more or fewer directories that cannot be read than the last
   * one did, or the file system that was mounted at a directory is missing, or back. What the catalog has of them is what
   * it knew before.
   */
  | {
      readonly kind: 'unreadable';
      readonly root: BytePath;
      readonly path: BytePath;
      readonly directories: number;
      readonly example: UnreadableDirectories['example'];
    };
