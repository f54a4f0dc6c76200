import type { BytePath } from '../byte-path.js';
import type { CrawlScope } from '../crawl/directory-packer.js';

/** How events are learned of, the best first. */
export type Backend = 'fanotify' | 'inotify' | 'poll';

/**
 * Where to look. Hints name places and say nothing about what is there: the truth is the listing. A hint too many
 * costs a look; one too few would lose a change.
 */
export type SourceHint =
  /** Something about a directory's direct entries, or about the directory itself, may have changed. */
  | { readonly kind: 'entries'; readonly path: BytePath }
  /** A directory appeared or was moved here: everything below it needs a look. */
  | { readonly kind: 'tree'; readonly path: BytePath }
  /** Something moved from one directory to another: what is found in the two belongs together. */
  | { readonly kind: 'moved'; readonly from: BytePath; readonly to: BytePath }
  /** Events were lost: anything below may have changed since. */
  | { readonly kind: 'lost'; readonly path: BytePath; readonly reason: string }
  /** No event is going to tell of what happens below: it has to be compared from time to time. */
  | { readonly kind: 'unwatched'; readonly path: BytePath; readonly reason: string }
  /** The root, or a directory above it, was moved, removed, mounted or unmounted. */
  | { readonly kind: 'root' };

/** Who takes hints. Called often: it only notes them. */
export type HintSink = (hints: readonly SourceHint[]) => void;

/** What a source watches. */
export interface SourceOptions {
  readonly scope: CrawlScope;
  /** Files whose changes are no news: the watcher's own database. */
  readonly ignore: readonly BytePath[];
  /**
   * Keep to the kernel's limit of queued events (`max_queued_events`) also where privileges allow an unlimited queue.
   * Bounds the kernel's memory, about 200 bytes an event, at the price of a comparison of the whole tree when the
   * limit is reached.
   */
  readonly limitQueue: boolean;
}

/**
 * Learns of changes below a root. A source that is open yields a hint for every change from then on, or one that says
 * that events were lost: nothing is dropped silently.
 */
export interface EventSource {
  readonly backend: Backend;

  /** Ends it; no hint comes afterwards. */
  close(): Promise<void>;
}

/** Why a way to learn of events cannot be used, in one line that says what is needed. */
export class BackendUnavailableError extends Error {
  override readonly name = 'BackendUnavailableError';
  readonly code = 'backend_unavailable';
}
