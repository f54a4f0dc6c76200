import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { BytePath } from '../byte-path.js';
import { compileExclusion } from '../crawl/exclude.js';
import type { Catalog } from '../database/catalog.js';
import { CatalogError } from '../database/errors.js';
import type { ScanId } from '../database/records.js';
import { displayPath } from '../display-path.js';
import { checkRoot, emptyRootReason, unreadableRoot } from '../scan/root-check.js';
import { checkDirectories, checkEverything } from './checks.js';
import { KnownMounts } from './known-mounts.js';
import { recordBatch } from './record-batch.js';
import { RootGuard } from './root-guard.js';
import { TreeReader } from './tree-reader.js';
import { type UnreadableDirectories, UnreadableTally } from './unreadable.js';

/** How to compare. */
export interface ReconcileOptions {
  /** Look at every file, not only at the inodes and times of directories. Default false. */
  readonly isFull?: boolean;
  /** Globs of what to leave out; the same as the scans and watches of this tree have. */
  readonly exclude?: readonly string[];
  readonly oneFileSystem?: boolean;
  readonly followMounts?: boolean;
  /**
   * Take a directory that was a mount point and is empty as true although the catalog knows files below it: it, or those
   * within. Default false: nothing of a file system that is not mounted is taken for removed.
   */
  readonly allowEmpty?: boolean;
  /** Told at the end which directories could not be read, if there are any: what is in them was not compared. */
  readonly onUnreadable?: (found: UnreadableDirectories) => void;
  readonly signal?: AbortSignal;
}

/** How long someone else's write is waited for, in milliseconds. */
const PATIENCE = 10_000;

/**
 * Compares what the catalog has of a directory and all below it with the disk and repairs what differs. Returns the
 * run whose changes are the differences; undefined where there are none. May run beside a watch: what is on its way
 * there may be found here first.
 *
 * Throws {@link CatalogError}: `root_unreadable` where the directory is not there, `not_recorded` where the catalog
 * does not know it, `implausible` where its file system is not mounted, `busy` where somebody writes for long; or the
 * signal's reason.
 */
export async function reconcile(
  catalog: Catalog,
  path: BytePath,
  options: ReconcileOptions = {},
): Promise<ScanId | undefined> {
  const { isFull = false, exclude = [], oneFileSystem = false, followMounts = false } = options;
  const { allowEmpty = false, onUnreadable, signal } = options;
  checkRoot(path);
  const guard = new RootGuard(path);
  guard.adopt();
  const known = await catalog.directory(path);
  if (!known) {
    throw new CatalogError('not_recorded', 'the catalog does not know this directory: scan it first');
  }
  const exclusions = exclude.map(compileExclusion);
  const scope = { root: path, exclusions, oneFileSystem, followMounts, maxDepth: Number.MAX_SAFE_INTEGER };
  const reader = new TreeReader(scope, allowEmpty ? undefined : new Set([path]));
  const mounts = new KnownMounts(catalog, reader);
  const recorder = await catalog.beginWatch({
    root: path,
    metadata: { reconcile: isFull ? 'full' : 'quick' },
  });
  try {
    const below = await mounts.learn(recorder);
    const missing = await mounts.missing();
    if (missing.has(path)) {
      const reason = emptyRootReason(known.totals.files);
      throw new CatalogError('implausible', `${displayPath(path)} ${reason}`);
    }
    const unreadable = new UnreadableTally(below);
    for (const mount of missing) unreadable.addOne(mount, constants.errno.ENODEV);
    const crawlOptions = { exclude, oneFileSystem, followMounts };
    const found = isFull
      ? checkEverything(recorder, path, { known, options: crawlOptions, unreadable, mounts: below })
      : checkDirectories(recorder, reader, missing);
    let entries: BytePath[] = [];
    for await (const lot of found) {
      signal?.throwIfAborted();
      entries.push(...lot);
    }
    const checkSame = () => {
      const problem = guard.check();
      if (problem !== undefined) throw unreadableRoot(path, problem);
    };
    let run: ScanId | undefined;
    while (entries.length > 0) {
      const setting = { root: path, recorder, reader, mounts, checkRoot: checkSame };
      const batch = await whileBusy(() => recordBatch(setting, { entries, trees: [] }), signal);
      run = batch.run;
      // Other names of files that differed; those outside are not this comparison's business.
      entries = [...batch.stale];
    }
    if (unreadable.count > 0) onUnreadable?.(unreadable);
    return run;
  } finally {
    await recorder.close();
  }
}

/** Tries again while someone else is writing. */
async function whileBusy<Result>(attempt: () => Promise<Result>, signal?: AbortSignal): Promise<Result> {
  for (const end = performance.now() + PATIENCE; ; ) {
    try {
      return await attempt();
    } catch (error) {
      const isBusy = error instanceof CatalogError && error.code === 'busy';
      if (!isBusy || performance.now() > end) throw error;
      await delay(50, undefined, { ...(signal && { signal }) });
    }
  }
}
