import { setTimeout as delay } from 'node:timers/promises';
import { type BytePath, splitPath } from '../byte-path.js';
import type { CrawlScope } from '../crawl/directory-packer.js';
import { compileExclusion } from '../crawl/exclude.js';
import type { Catalog } from '../database/catalog.js';
import { CatalogError } from '../database/errors.js';
import type { Totals } from '../database/records.js';
import type { RecordedBatch, WatchRecorder } from '../database/watch-recorder.js';
import { scan } from '../scan/scan.js';
import { Alarm } from './alarm.js';
import { checkDirectories, checkEverything } from './checks.js';
import type { DirtyPlaces } from './dirty-queue.js';
import type { SourceHint } from './event-source.js';
import type { EventStream } from './event-stream.js';
import { type ChosenSource, openSource } from './open-source.js';
import { PendingWork } from './pending-work.js';
import { recordBatch } from './record-batch.js';
import { RetryDelay } from './retry-delay.js';
import { RootGuard } from './root-guard.js';
import { TreeReader } from './tree-reader.js';
import type { WatchEvent } from './watch-event.js';
import type { WatchOptions } from './watch-options.js';

/** How often the root is looked at, in milliseconds: events do not tell of every way in which it can go. */
const ROOT_EVERY = 1_000;

/** Between batches there is a rest of half the time that the last one took, but no longer than this. */
const LONGEST_REST = 500;

/** Directories that one comparison may find before they are recorded, so that memory is bounded. */
const MAX_FOUND = 50_000;

const DEFAULTS = { settle: 200, maxDelay: 2_000, pollInterval: 5_000, maxWaiting: 200_000 };

/** The root went away while something was read: nothing of it may be recorded. */
class RootLostError extends Error {
  override readonly name = 'RootLostError';
}

const clock = (): number => performance.now();

/** The engine of one watch: from hints over the queue of dirty directories to batches in the catalog. */
export class Watcher {
  readonly #scope: CrawlScope;
  readonly #guard: RootGuard;
  readonly #alarm = new Alarm();
  readonly #databaseRetry = new RetryDelay(20, 1_000);
  readonly #reader: TreeReader;
  #pending: PendingWork;
  #checking: Promise<void> | undefined;
  #isStopped = false;
  #state: 'live' | 'checking' | 'waiting' | undefined;
  #failure: Error | undefined;

  constructor(
    private readonly catalog: Catalog,
    private readonly root: BytePath,
    private readonly options: WatchOptions,
    private readonly stream: EventStream<WatchEvent>,
  ) {
    const { exclude = [], oneFileSystem = false, followMounts = false } = options;
    const exclusions = exclude.map(compileExclusion);
    this.#scope = { root, exclusions, oneFileSystem, followMounts, maxDepth: Number.MAX_SAFE_INTEGER };
    this.#guard = new RootGuard(root);
    this.#reader = new TreeReader(this.#scope);
    this.#pending = this.#newPending();
  }

  /** Runs until {@link stop}; the stream ends with it. */
  async run(): Promise<void> {
    try {
      for (let isFirst = true; !this.#isStopped; isFirst = false) {
        await this.#awaitRoot();
        if (!this.#isStopped) await this.#watchRoot({ isFirst }).catch(rethrowUnlessRootLost);
      }
      this.stream.end();
    } catch (error) {
      // One that is stopped while it waits for the database has nothing to complain of.
      this.stream.end(this.#isStopped && isPassing(error) ? undefined : asError(error));
    }
  }

  /** Ends the run; what waits is recorded first. */
  stop(): void {
    this.#isStopped = true;
    this.#alarm.turnOff();
  }

  /** Waits until there is a root that can be believed. */
  async #awaitRoot(): Promise<void> {
    for (;;) {
      const problem = this.#guard.adopt() ?? (await this.#implausible());
      if (problem === undefined || this.#isStopped) return;
      this.#setState('waiting', problem);
      await this.#alarm.sleep(clock() + ROOT_EVERY);
    }
  }

  async #implausible(): Promise<string | undefined> {
    if (this.options.allowEmpty || !this.#guard.isEmpty()) return undefined;
    const known = (await this.#patiently(() => this.catalog.directory(this.root)))?.totals.files ?? 0;
    return known > 0
      ? `it is empty, but the catalog knows ${known} files in it: is it mounted? (--allow-empty records them as removed)`
      : undefined;
  }

  /** Watches the root that is there, until it goes away or the watch is stopped. */
  async #watchRoot({ isFirst }: { readonly isFirst: boolean }): Promise<void> {
    const begin = clock();
    this.#pending = this.#newPending();
    // Events first: what happens while the state is loaded waits in the queue.
    const chosen = await openSource({
      backend: this.options.backend ?? 'auto',
      options: {
        scope: this.#scope,
        ignore: this.options.ignore ?? [],
        limitQueue: this.options.limitQueue ?? false,
      },
      sink: (hints) => this.#takeHints(hints),
      onFailure: (error) => {
        this.#failure = error;
        this.#alarm.wake();
      },
    });
    let recorder: WatchRecorder | undefined;
    try {
      const isNew = await this.#scanIfNew();
      if (this.#isStopped) return;
      recorder = await this.catalog.beginWatch({ root: this.root, metadata: this.options.metadata ?? {} });
      await this.#catchUp(recorder, { chosen, begin, isNew, isFirst });
      await this.#follow(recorder);
      if (this.#isStopped && !this.#isRootLost()) await this.#recordRest(recorder);
    } finally {
      await chosen.source.close();
      await this.#checking;
      await recorder?.close();
    }
  }

  /** A root that the catalog does not know is scanned. */
  async #scanIfNew(): Promise<boolean> {
    if (await this.#patiently(() => this.catalog.directory(this.root))) return false;
    const { exclude = [], oneFileSystem = false, followMounts = false, metadata = {} } = this.options;
    this.#setState('checking', 'first scan');
    await this.#patiently(() =>
      scan(this.catalog, this.root, { exclude, oneFileSystem, followMounts, metadata }),
    );
    return true;
  }

  /** Brings the catalog to what is on the disk now, as far as the options want it before the watch is live. */
  async #catchUp(
    recorder: WatchRecorder,
    start: {
      readonly chosen: ChosenSource;
      readonly begin: number;
      readonly isNew: boolean;
      readonly isFirst: boolean;
    },
  ): Promise<void> {
    const { trust = 'directories' } = this.options;
    let changed = 0;
    if (!start.isNew) {
      const isQuick = start.isFirst && trust !== 'none';
      const differing = isQuick
        ? checkDirectories(recorder, this.#reader)
        : checkEverything(recorder, this.root, this.options);
      changed = await this.#queueAll(differing, () => this.#recordDue(recorder));
      if (!start.isFirst) this.#pending.gaps.add(this.root);
      await this.#recordDue(recorder);
      if (isQuick && trust === 'directories') this.#pending.checks.want(this.root);
    }
    if (this.#isRootLost()) return;
    const known = await this.#patiently(() => this.catalog.directory(this.root));
    const totals: Totals = known?.totals ?? { files: 0, directories: 0, bytes: 0, allocated: 0 };
    this.stream.push({
      kind: 'started',
      root: this.root,
      backend: start.chosen.source.backend,
      rejected: start.chosen.rejected,
      totals,
      isFirst: start.isNew,
      changedDirectories: changed,
      milliseconds: clock() - start.begin,
    });
    this.#state = 'live';
  }

  /** The loop: sleeps until something is due, and does it. */
  async #follow(recorder: WatchRecorder): Promise<void> {
    let rest = 0;
    let lookAtRoot = clock() + ROOT_EVERY;
    while (!this.#isStopped) {
      if (this.#failure) throw this.#failure;
      if (this.#pending.mayHaveLostRoot || clock() >= lookAtRoot) {
        if (this.#isRootLost()) return;
        lookAtRoot = clock() + ROOT_EVERY;
      }
      this.#startCheckIfDue(recorder);
      const due = Math.max(this.#pending.queue.nextDue() ?? Number.POSITIVE_INFINITY, rest);
      if (due <= clock()) {
        const began = clock();
        await this.#recordDue(recorder);
        rest = clock() + Math.min((clock() - began) / 2, LONGEST_REST);
        await this.stream.drained();
      } else {
        if (this.#pending.queue.size === 0 && !this.#checking && !this.#pending.checks.isUrgent)
          this.#setState('live', undefined);
        await this.#alarm.sleep(
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
      const { exclude = [], oneFileSystem = false } = this.options;
      const tops = exclude.length > 0 || oneFileSystem ? [this.root] : paths;
      for (const top of tops) {
        await this.#queueAll(checkEverything(recorder, top, this.options), () => this.#awaitShortQueue());
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
        this.#alarm.wake();
      });
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
      if (this.#isStopped) break;
      found.push(...lot);
      if (found.length < MAX_FOUND) continue;
      flush();
      await onFull();
    }
    flush();
    return count;
  }

  async #awaitShortQueue(): Promise<void> {
    while (this.#pending.queue.size > MAX_FOUND && !this.#isStopped) await delay(50);
  }

  /** Records what is due. What cannot be recorded now is due again later. */
  async #recordDue(recorder: WatchRecorder, { all = false } = {}): Promise<void> {
    const gaps = [...this.#pending.gaps];
    const places = this.#withParents(this.#pending.queue.take(clock(), { all }));
    if (places.entries.length + places.trees.length + gaps.length === 0) return;
    try {
      const setting = { root: this.root, recorder, reader: this.#reader, checkRoot: () => this.#checkRoot() };
      const batch = await recordBatch(setting, places, gaps);
      for (const path of gaps) this.#pending.gaps.delete(path);
      this.#databaseRetry.reset();
      this.#recorded(batch);
    } catch (error) {
      if (error instanceof RootLostError) return;
      this.#pending.queue.putBack(places, clock());
      if (!isPassing(error)) throw error;
      const { code, message } = error;
      if (code !== 'busy') this.#setState('waiting', message);
      await this.#alarm.sleep(clock() + this.#databaseRetry.next(), { isFixed: true });
    }
  }

  /**
   * Instead of places that are gone the directories that held them, with all that moved from there: what is gone here
   * may have been renamed.
   */
  #withParents(places: DirtyPlaces): DirtyPlaces {
    const parents = new Set<BytePath>();
    const isThere = (path: BytePath) => {
      let at = path;
      while (at !== this.root && !this.#reader.look(at)) at = splitPath(at)?.parent ?? this.root;
      if (at !== path) parents.add(at);
      return at === path;
    };
    const [entries, trees] = [places.entries.filter(isThere), places.trees.filter(isThere)];
    const more = this.#pending.queue.takeWith(parents);
    return { entries: [...entries, ...more.entries], trees: [...trees, ...more.trees] };
  }

  #recorded(batch: RecordedBatch): void {
    for (const path of batch.stale) this.#pending.queue.putBack({ entries: [path], trees: [] }, clock());
    if (batch.cursor > batch.after) this.stream.push({ kind: 'batch', root: this.root, batch });
    // Somebody took the root out of the catalog: it is scanned anew.
    if (!batch.totals) this.#pending.mayHaveLostRoot = true;
  }

  /** Records what waits when the watch ends; one that the database refuses is found at the next start. */
  async #recordRest(recorder: WatchRecorder): Promise<void> {
    for (let attempt = 0; attempt < 3 && this.#pending.queue.size + this.#pending.gaps.size > 0; attempt++) {
      await this.#recordDue(recorder, { all: true });
    }
  }

  #takeHints(hints: readonly SourceHint[]): void {
    const now = clock();
    this.#pending.take(hints, now);
    const { settle = DEFAULTS.settle } = this.options;
    if (this.#pending.isUrgent || now + settle < this.#alarm.until) this.#alarm.wake();
  }

  #isRootLost(): boolean {
    this.#pending.mayHaveLostRoot = false;
    const problem = this.#guard.check();
    if (problem === undefined) return false;
    this.#setState('waiting', problem);
    return true;
  }

  #checkRoot(): void {
    if (this.#guard.check() === undefined) return;
    this.#pending.mayHaveLostRoot = true;
    throw new RootLostError();
  }

  /** Tries something that needs the database until it works or the watch ends. */
  async #patiently<Result>(attempt: () => Promise<Result>): Promise<Result> {
    for (const pause = new RetryDelay(50, 2_000); ; ) {
      try {
        return await attempt();
      } catch (error) {
        if (!isPassing(error) || this.#isStopped) throw error;
        this.#setState('waiting', error.message);
        await this.#alarm.sleep(clock() + pause.next(), { isFixed: true });
      }
    }
  }

  #setState(state: 'live' | 'checking' | 'waiting', reason: string | undefined): void {
    if (state === this.#state) return;
    this.#state = state;
    this.stream.push({ kind: 'state', root: this.root, state, reason });
  }

  #newPending(): PendingWork {
    const { root, stream } = this;
    const { settle, maxDelay, pollInterval, maxWaiting } = this.options;
    return new PendingWork({
      root,
      settle: settle ?? DEFAULTS.settle,
      maxDelay: maxDelay ?? DEFAULTS.maxDelay,
      pollInterval: pollInterval ?? DEFAULTS.pollInterval,
      maxWaiting: maxWaiting ?? DEFAULTS.maxWaiting,
      onGap: (path, reason) => {
        stream.push({ kind: 'gap', root, path, reason });
        this.#setState('checking', reason);
      },
      onUnwatched: (path, reason) => stream.push({ kind: 'unwatched', root, path, reason }),
    });
  }
}

/** A root that went while it was scanned is waited for; anything else is an error. */
function rethrowUnlessRootLost(error: unknown): void {
  if (!(error instanceof CatalogError) || error.code !== 'root_unreadable') throw error;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** Whether the database may work again later. */
function isPassing(error: unknown): error is CatalogError {
  return error instanceof CatalogError && (error.code === 'busy' || error.code === 'unavailable');
}
