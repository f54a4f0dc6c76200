import type { BytePath } from '../byte-path.js';
import type { CrawlScope } from '../crawl/directory-packer.js';
import { compileExclusion } from '../crawl/exclude.js';
import type { Catalog } from '../database/catalog.js';
import { CatalogError, isPassing } from '../database/errors.js';
import type { WatchRecorder } from '../database/watch-recorder.js';
import { emptyRootReason } from '../scan/root-check.js';
import { scan } from '../scan/scan.js';
import { Alarm } from './alarm.js';
import type { EventStream } from './event-stream.js';
import { KnownMounts } from './known-mounts.js';
import { openSource } from './open-source.js';
import { RetryDelay } from './retry-delay.js';
import { asError, clock, type FollowerSetting, ROOT_EVERY, RootFollower } from './root-follower.js';
import { RootGuard } from './root-guard.js';
import { TreeReader } from './tree-reader.js';
import { UnreadableNews, unreadableInScan } from './unreadable.js';
import type { WatchEvent } from './watch-event.js';
import type { WatchOptions } from './watch-options.js';
import { WatchState } from './watch-state.js';

/** One watch, from its start to its end: follows its root whenever there is one. */
export class Watcher {
  readonly #scope: CrawlScope;
  readonly #guard: RootGuard;
  readonly #alarm = new Alarm();
  readonly #state: WatchState;
  readonly #setting: FollowerSetting;
  #isStopped = false;

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
    this.#state = new WatchState(root, stream);
    const reader = new TreeReader(this.#scope, options.allowEmpty ? undefined : new Set());
    const unreadable = new UnreadableNews(root, stream);
    this.#setting = {
      catalog,
      root,
      options,
      stream,
      state: this.#state,
      guard: this.#guard,
      reader,
      mounts: new KnownMounts(catalog, reader, unreadable),
      unreadable,
      alarm: this.#alarm,
      patiently: (attempt) => this.#patiently(attempt),
      isStopped: () => this.#isStopped,
    };
  }

  /** Runs until {@link stop}; the stream ends with it. */
  async run(): Promise<void> {
    try {
      for (let isFirst = true; !this.#isStopped; isFirst = false) {
        await this.#awaitRoot();
        if (!this.#isStopped) await this.#watchRoot({ isFirst }).catch((error) => this.#rest(error));
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

  /** A root that went while it was scanned is waited for; anything else is an error. */
  async #rest(error: unknown): Promise<void> {
    if (!(error instanceof CatalogError) || error.code !== 'root_unreadable') throw error;
    this.#state.set('waiting', error.message);
    await this.#alarm.sleep(clock() + ROOT_EVERY, { isFixed: true });
  }

  /** Waits until there is a root that can be believed. */
  async #awaitRoot(): Promise<void> {
    for (;;) {
      const problem = this.#guard.adopt() ?? (await this.#implausible());
      if (problem === undefined || this.#isStopped) return;
      this.#state.set('waiting', problem);
      await this.#alarm.sleep(clock() + ROOT_EVERY);
    }
  }

  async #implausible(): Promise<string | undefined> {
    if (this.options.allowEmpty || !this.#guard.isEmpty()) return undefined;
    const known = (await this.#patiently(() => this.catalog.directory(this.root)))?.totals.files ?? 0;
    return known > 0 ? `it ${emptyRootReason(known)}` : undefined;
  }

  /** Watches the root that is there, until it goes away or the watch is stopped. */
  async #watchRoot({ isFirst }: { readonly isFirst: boolean }): Promise<void> {
    const begin = clock();
    const follower = new RootFollower(this.#setting);
    // Events first: what happens while the state is loaded waits in the queue.
    const chosen = await openSource({
      backend: this.options.backend ?? 'auto',
      options: {
        scope: this.#scope,
        ignore: this.options.ignore ?? [],
        limitQueue: this.options.limitQueue ?? false,
      },
      sink: (hints) => follower.takeHints(hints),
      onFailure: (error) => follower.fail(error),
    });
    let recorder: WatchRecorder | undefined;
    try {
      const isNew = await this.#scanIfNew();
      if (this.#isStopped) return;
      recorder = await this.catalog.beginWatch({ root: this.root, metadata: this.options.metadata ?? {} });
      await follower.run(recorder, { chosen, begin, isNew, isFirst });
    } finally {
      await chosen.source.close();
      await follower.finished();
      await recorder?.close();
    }
  }

  /** A root that the catalog does not know is scanned. */
  async #scanIfNew(): Promise<boolean> {
    if (await this.#patiently(() => this.catalog.directory(this.root))) return false;
    const { exclude = [], oneFileSystem = false, followMounts = false, metadata = {} } = this.options;
    this.#state.set('checking', 'first scan');
    const run = await this.#patiently(() =>
      scan(this.catalog, this.root, { exclude, oneFileSystem, followMounts, metadata }),
    );
    this.#setting.unreadable.take(this.root, await unreadableInScan(this.catalog, run));
    return true;
  }

  /** Tries something that needs the database until it works or the watch ends. */
  async #patiently<Result>(attempt: () => Promise<Result>): Promise<Result> {
    for (const pause = new RetryDelay(50, 2_000); ; ) {
      try {
        return await attempt();
      } catch (error) {
        if (!isPassing(error) || this.#isStopped) throw error;
        this.#state.set('waiting', error.message);
        await this.#alarm.sleep(clock() + pause.next(), { isFixed: true });
      }
    }
  }
}
