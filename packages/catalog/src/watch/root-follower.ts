import { setTimeout as delay } from 'node:timers/promises';
import { type BytePath, isWithinAny, splitPath } from '../byte-path.js';
import type { Catalog } from '../database/catalog.js';
import { isPassing } from '../database/errors.js';
import type { Totals } from '../database/records.js';
import type { RecordedBatch, WatchRecorder } from '../database/watch-recorder.js';
import type { Alarm } from './alarm.js';
import { checkDirectories, checkEverything } from './checks.js';
import type { DirtyPlaces } from './dirty-queue.js';
import type { SourceHint } from './event-source.js';
import type { EventStream } from './event-stream.js';
import type { KnownMounts } from './known-mounts.js';
import type { ChosenSource } from './open-source.js';
import { PendingWork } from './pending-work.js';
import { recordBatch } from './record-batch.js';
import { RetryDelay } from './retry-delay.js';
import type { RootGuard } from './root-guard.js';
import type { TreeReader } from './tree-reader.js';
import { type UnreadableNews, UnreadableTally } from './unreadable.js';
import type { WatchEvent } from './watch-event.js';
import type { WatchOptions } from './watch-options.js';
import type { WatchState } from './watch-state.js';

/** How often the root is looked at, in milliseconds: events do not tell of every way in which it can go. */
export const ROOT_EVERY = 1_000;

/** Between batches there is a rest of half the time that the last one took, but no longer than this. */
const LONGEST_REST = 500;

/** Directories that one comparison may find before they are recorded, so that memory is bounded. */
const MAX_FOUND = 50_000;

const DEFAULTS = { settle: 200, maxDelay: 2_000, pollInterval: 5_000, maxWaiting: 200_000 };

/** The root went away while something was read: nothing of it may be recorded. */
class RootLostError extends Error {
  override readonly name = 'RootLostError';
}

/** What a follower shares with the watch that it belongs to. */
export interface FollowerSetting {
  readonly catalog: Catalog;
  readonly root: BytePath;
  readonly options: WatchOptions;
  readonly stream: EventStream<WatchEvent>;
  readonly state: WatchState;
  readonly guard: RootGuard;
  readonly reader: TreeReader;
  readonly mounts: KnownMounts;
  readonly unreadable: UnreadableNews;
  /** Wakes whoever sleeps; turned off when the watch is stopped. */
  readonly alarm: Alarm;
  /** Tries something that needs the database until it works or the watch is stopped. */
  readonly patiently: <Result>(attempt: () => Promise<Result>) => Promise<Result>;
  readonly isStopped: () => boolean;
}

/** How a follower begins. */
interface FollowerStart {
  readonly chosen: ChosenSource;
  /** When the watch began, by {@link clock}. */
  readonly begin: number;
  /** Whether the catalog has just been made by a scan. */
  readonly isNew: boolean;
  /** Whether nothing was followed before: the catalog's state is that of another process. */
  readonly isFirst: boolean;
}

/** Milliseconds of a clock that does not jump. */
export const clock = (): number => performance.now();

/** Follows a root that is there: from hints over the queue of dirty directories to batches in the catalog. */
export class RootFollower {
  readonly #databaseRetry = new RetryDelay(20, 1_000);
  readonly #pending: PendingWork;
  /** Mount points whose file systems are missing, and of which the catalog notes that they cannot be read. */
  #noted: ReadonlySet<BytePath> = new Set();
  #checking: Promise<void> | undefined;
  #failure: Error | undefined;

  constructor(private readonly setting: FollowerSetting) {
    this.#pending = this.#newPending();
  }

  /** Takes what a source tells, also before {@link run}: it waits in the queue. */
  takeHints(hints: readonly SourceHint[]): void {
    const { alarm, options } = this.setting;
    const now = clock();
    this.#pending.take(hints, now);
    const { settle = DEFAULTS.settle } = options;
    if (this.#pending.isUrgent || now + settle < alarm.until) alarm.wake();
  }

  /** The source has failed: {@link run} fails with its error. */
  fail(error: Error): void {
    this.#failure = error;
    this.setting.alarm.wake();
  }

  /** Brings the catalog to what is on the disk and follows it, until the root goes away or the watch is stopped. */
  async run(recorder: WatchRecorder, start: FollowerStart): Promise<void> {
    await this.#catchUp(recorder, start);
    await this.#follow(recorder);
    if (this.setting.isStopped() && !this.#isRootLost()) await this.#recordRest(recorder);
  }

  /** Waits for a comparison under way: it uses the recorder. */
  async finished(): Promise<void> {
    await this.#checking;
  }

  /** Brings the catalog to what is on the disk now, as far as the options want it before the watch is live. */
  async #catchUp(recorder: WatchRecorder, start: FollowerStart): Promise<void> {
    const { catalog, root, options, stream, state, reader, mounts, patiently } = this.setting;
    const { trust = 'directories' } = options;
    let changed = 0;
    await patiently(() => mounts.learn(recorder));
    const missing = await patiently(() => mounts.missing());
    if (!start.isNew) {
      const isQuick = start.isFirst && trust !== 'none';
      const differing = isQuick
        ? checkDirectories(recorder, reader, missing)
        : this.#compareAll(recorder, root);
      changed = await this.#queueAll(differing, () => this.#recordDue(recorder));
      if (!start.isFirst) this.#pending.gaps.add(root);
      await this.#recordDue(recorder);
      if (isQuick && trust === 'directories') this.#pending.checks.want(root);
    }
    if (this.#isRootLost()) return;
    const known = await patiently(() => catalog.directory(root));
    const totals: Totals = known?.totals ?? { files: 0, directories: 0, bytes: 0, allocated: 0 };
    stream.push({
      kind: 'started',
      root,
      backend: start.chosen.source.backend,
      rejected: start.chosen.rejected,
      totals,
      isFirst: start.isNew,
      changedDirectories: changed,
      milliseconds: clock() - start.begin,
    });
    state.started();
  }

  /** The loop: sleeps until something is due, and does it. */
  async #follow(recorder: WatchRecorder): Promise<void> {
    const { stream, state, alarm, isStopped } = this.setting;
    let rest = 0;
    let lookAtRoot = clock() + ROOT_EVERY;
    while (!isStopped()) {
      if (this.#failure) throw this.#failure;
      if (this.#pending.mayHaveLostRoot || clock() >= lookAtRoot) {
        if (this.#isRootLost()) return;
        await this.#lookAtMounts();
        lookAtRoot = clock() + ROOT_EVERY;
      }
      this.#startCheckIfDue(recorder);
      const due = Math.max(this.#pending.queue.nextDue() ?? Number.POSITIVE_INFINITY, rest);
      if (due <= clock()) {
        const began = clock();
        await this.#recordDue(recorder);
        rest = clock() + Math.min((clock() - began) / 2, LONGEST_REST);
        await stream.drained();
      } else {
        if (this.#pending.queue.size === 0 && !this.#checking && !this.#pending.checks.isUrgent)
          state.set('live', undefined);
        await alarm.sleep(
          Math.min(due, lookAtRoot, this.#checking ? due : (this.#pending.checks.nextDue() ?? due)),
        );
      }
    }
  }

  #startCheckIfDue(recorder: WatchRecorder): void {
    const due = this.#pending.checks.nextDue();
    if (this.#checking || due === undefined || due > clock()) return;
    const paths = this.#pending.checks.take();
    const began = clock();
    const compare = async () => {
      // Patterns with a slash, and what "one file system" means, are relative to the root.
      const { root, options } = this.setting;
      const { exclude = [], oneFileSystem = false } = options;
      const tops = exclude.length > 0 || oneFileSystem ? [root] : paths;
      for (const top of tops) {
        await this.#queueAll(this.#compareAll(recorder, top), () => this.#awaitShortQueue());
      }
    };
    this.#checking = compare()
      .catch((error: unknown) => {
        if (!isPassing(error)) this.#failure = asError(error);
        for (const path of paths) this.#pending.checks.want(path);
      })
      .finally(() => {
        this.#pending.checks.finished(clock(), clock() - began);
        this.#checking = undefined;
        this.setting.alarm.wake();
      });
  }

  /** Notices file systems that went without an event, and has the catalog note that they cannot be read. */
  async #lookAtMounts(): Promise<void> {
    const { mounts } = this.setting;
    try {
      await mounts.missing();
    } catch (error) {
      // They are looked at again.
      if (!isPassing(error)) throw error;
    }
    for (const path of mounts.lastMissing)
      if (!this.#noted.has(path)) this.#pending.queue.addEntries(path, clock());
    this.#noted = mounts.lastMissing;
  }

  /** Compares everything in and below a directory, and tells what cannot be read. */
  async *#compareAll(recorder: WatchRecorder, top: BytePath): AsyncGenerator<readonly BytePath[]> {
    const { catalog, options, mounts, unreadable } = this.setting;
    const below = await mounts.learn(recorder);
    if (isWithinAny(top, await mounts.missing())) return;
    const tally = new UnreadableTally(below);
    const known = await catalog.directory(top);
    yield* checkEverything(recorder, top, { known, options, unreadable: tally, mounts: below });
    unreadable.take(top, tally);
  }

  /** Queues directories that differ, all to be recorded together as far as memory allows: so renames are seen. */
  async #queueAll(lots: AsyncIterable<readonly BytePath[]>, onFull: () => Promise<void>): Promise<number> {
    let count = 0;
    let found: BytePath[] = [];
    const flush = () => {
      this.#pending.queue.putBack({ entries: found, trees: [] }, clock());
      count += found.length;
      found = [];
    };
    for await (const lot of lots) {
      if (this.setting.isStopped()) break;
      found.push(...lot);
      if (found.length < MAX_FOUND) continue;
      flush();
      await onFull();
    }
    flush();
    return count;
  }

  async #awaitShortQueue(): Promise<void> {
    while (this.#pending.queue.size > MAX_FOUND && !this.setting.isStopped()) await delay(50);
  }

  /** Records what is due. What cannot be recorded now is due again later. */
  async #recordDue(recorder: WatchRecorder, { all = false } = {}): Promise<void> {
    const { root, reader, mounts, alarm, state } = this.setting;
    const gaps = [...this.#pending.gaps];
    const places = this.#withParents(this.#pending.queue.take(clock(), { all }));
    if (places.entries.length + places.trees.length + gaps.length === 0) return;
    try {
      const checkRoot = () => this.#checkRoot();
      const batch = await recordBatch({ root, recorder, reader, mounts, checkRoot }, places, gaps);
      for (const path of gaps) this.#pending.gaps.delete(path);
      this.#databaseRetry.reset();
      this.#recorded(batch);
    } catch (error) {
      if (error instanceof RootLostError) return;
      this.#pending.queue.putBack(places, clock());
      if (!isPassing(error)) throw error;
      const { code, message } = error;
      if (code !== 'busy') state.set('waiting', message);
      await alarm.sleep(clock() + this.#databaseRetry.next(), { isFixed: true });
    }
  }

  /**
   * Instead of places that are gone the directories that held them, with all that moved from there: what is gone here
   * may have been renamed.
   */
  #withParents(places: DirtyPlaces): DirtyPlaces {
    const { root, reader } = this.setting;
    const parents = new Set<BytePath>();
    const isThere = (path: BytePath) => {
      let at = path;
      while (at !== root && !reader.look(at)) at = splitPath(at)?.parent ?? root;
      if (at !== path) parents.add(at);
      return at === path;
    };
    const [entries, trees] = [places.entries.filter(isThere), places.trees.filter(isThere)];
    const more = this.#pending.queue.takeWith(parents);
    return { entries: [...entries, ...more.entries], trees: [...trees, ...more.trees] };
  }

  #recorded(batch: RecordedBatch): void {
    const { root, stream } = this.setting;
    for (const path of batch.stale) this.#pending.queue.putBack({ entries: [path], trees: [] }, clock());
    if (batch.cursor > batch.after) stream.push({ kind: 'batch', root, batch });
    // Somebody took the root out of the catalog: it is scanned anew.
    if (!batch.totals) this.#pending.mayHaveLostRoot = true;
  }

  /** Records what waits when the watch ends; one that the database refuses is found at the next start. */
  async #recordRest(recorder: WatchRecorder): Promise<void> {
    for (let attempt = 0; attempt < 3 && this.#pending.queue.size + this.#pending.gaps.size > 0; attempt++) {
      await this.#recordDue(recorder, { all: true });
    }
  }

  #isRootLost(): boolean {
    this.#pending.mayHaveLostRoot = false;
    const problem = this.setting.guard.check();
    if (problem === undefined) return false;
    this.setting.state.set('waiting', problem);
    return true;
  }

  #checkRoot(): void {
    if (this.setting.guard.check() === undefined) return;
    this.#pending.mayHaveLostRoot = true;
    throw new RootLostError();
  }

  #newPending(): PendingWork {
    const { root, stream, options, state } = this.setting;
    const { settle, maxDelay, pollInterval, maxWaiting } = options;
    return new PendingWork({
      root,
      settle: settle ?? DEFAULTS.settle,
      maxDelay: maxDelay ?? DEFAULTS.maxDelay,
      pollInterval: pollInterval ?? DEFAULTS.pollInterval,
      maxWaiting: maxWaiting ?? DEFAULTS.maxWaiting,
      onGap: (path, reason) => {
        stream.push({ kind: 'gap', root, path, reason });
        state.set('checking', reason);
      },
      onUnwatched: (path, reason) => stream.push({ kind: 'unwatched', root, path, reason }),
    });
  }
}

/** What was thrown, as an error. */
export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
