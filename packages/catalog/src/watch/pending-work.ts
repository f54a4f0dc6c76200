import { type BytePath, splitPath } from '../byte-path.js';
import { CheckSchedule } from './check-schedule.js';
import { DirtyQueue } from './dirty-queue.js';
import type { SourceHint } from './event-source.js';

/** Bounds and times of {@link PendingWork}, in milliseconds. */
interface PendingOptions {
  readonly root: BytePath;
  readonly settle: number;
  readonly maxDelay: number;
  readonly pollInterval: number;
  /** Directories that may wait; beyond, all are compared. */
  readonly maxWaiting: number;
  /** Told once of each place about which events were lost, until that is recorded. */
  readonly onGap: (path: BytePath, reason: string) => void;
  /** Told of places that no event tells about. */
  readonly onUnwatched: (path: BytePath, reason: string) => void;
}

/** What hints have led to and is not recorded yet. */
export class PendingWork {
  readonly queue: DirtyQueue;
  /** Where events were lost. */
  readonly gaps = new Set<BytePath>();
  readonly checks: CheckSchedule;
  /** A hint says that the root may not be there any more. */
  mayHaveLostRoot = false;

  constructor(private readonly options: PendingOptions) {
    this.queue = new DirtyQueue(options);
    this.checks = new CheckSchedule(options.pollInterval);
  }

  /** Whether something cannot wait until places have settled. */
  get isUrgent(): boolean {
    return this.mayHaveLostRoot || this.checks.isUrgent;
  }

  /** Notes hints. */
  take(hints: readonly SourceHint[], now: number): void {
    const { root, maxWaiting, onUnwatched } = this.options;
    for (const hint of hints) {
      if (hint.kind === 'entries') this.queue.addEntries(hint.path, now);
      else if (hint.kind === 'tree') this.#appear(hint.path, now);
      else if (hint.kind === 'moved') this.queue.link(hint.from, hint.to, now);
      else if (hint.kind === 'root') this.mayHaveLostRoot = true;
      else if (hint.kind === 'lost') this.#lose(hint.path, hint.reason);
      else {
        const polled = this.checks.poll(hint.path);
        if (polled !== undefined && hint.path !== root) onUnwatched(polled, hint.reason);
      }
    }
    if (this.queue.size <= maxWaiting) return;
    this.queue.clear();
    this.#lose(root, `more than ${maxWaiting} directories waited to be recorded`);
  }

  /** What appears is due with its parent: there it may have taken the place of something else. */
  #appear(path: BytePath, now: number): void {
    this.queue.addTree(path, now);
    const parent = path === this.options.root ? undefined : splitPath(path)?.parent;
    if (parent !== undefined) this.queue.link(parent, path, now);
  }

  #lose(path: BytePath, reason: string): void {
    this.checks.want(path);
    if (this.gaps.has(path)) return;
    this.gaps.add(path);
    this.options.onGap(path, reason);
  }
}
