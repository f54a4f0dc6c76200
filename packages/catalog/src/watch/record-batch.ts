import { setImmediate as nextTurn } from 'node:timers/promises';
import { type BytePath, isWithin, isWithinAny } from '../byte-path.js';
import type { RecordedBatch, WatchBatch, WatchRecorder } from '../database/watch-recorder.js';
import { type DirtyPlaces, outermost } from './dirty-queue.js';
import type { KnownMounts } from './known-mounts.js';
import type { TreeReader } from './tree-reader.js';

/** What a batch is made with. */
export interface BatchSetting {
  readonly root: BytePath;
  readonly recorder: WatchRecorder;
  readonly reader: TreeReader;
  readonly mounts: KnownMounts;
  /** Throws when what was read must not be recorded, because the root is not there any more. */
  readonly checkRoot: () => void;
}

/**
 * Looks at places that may have changed and records what is there, in one step. Fails with {@link CatalogError} or
 * what `checkRoot` throws, and has recorded nothing then.
 *
 * @param gaps directories about which events were lost
 */
export async function recordBatch(
  setting: BatchSetting,
  places: DirtyPlaces,
  gaps: readonly BytePath[] = [],
): Promise<RecordedBatch> {
  for (;;) {
    const batch = await setting.recorder.beginBatch();
    try {
      for (const path of gaps) await batch.recordGap(path);
      // Looked at after the batch has begun: nobody else changes the catalog from here on.
      const missing = await setting.mounts.missing();
      await readPlaces(setting, batch, await resolvePlaces(setting, places, missing));
      setting.checkRoot();
      if (!setting.mounts.haveChanged(missing)) return await batch.commit();
    } catch (error) {
      await batch.abort();
      throw error;
    }
    // What was read in a file system that went meanwhile is not there, and not gone: all is looked at again.
    await batch.abort();
  }
}

async function readPlaces(
  setting: BatchSetting,
  batch: WatchBatch,
  { entries, trees }: ResolvedPlaces,
): Promise<void> {
  const allTrees = new Set(trees);
  for (const listings of setting.reader.read(entries)) {
    await batch.record(listings);
    for (const path of await batch.unknownSubdirectories([listings])) {
      if (!isWithinAny(path, allTrees)) allTrees.add(path);
    }
  }
  for (const tree of allTrees) await recordTree(setting, batch, tree);
}

async function recordTree({ reader }: BatchSetting, batch: WatchBatch, tree: BytePath): Promise<void> {
  for (const listings of reader.readTree(tree)) {
    await batch.record(listings);
    // Hints and timers get their turn.
    await nextTurn();
  }
}

/** What a batch reads. */
interface ResolvedPlaces {
  /** Directories come before those below them. */
  readonly entries: readonly BytePath[];
  readonly trees: ReadonlySet<BytePath>;
}

/**
 * Which directories to read: of places that the catalog does not know the nearest that it does know, whose listing
 * then leads to the rest. So nothing is read that a scan would have left out, and nothing new is recorded before what
 * stood in its place is. Instead of what was in a file system that is missing its mount point is read.
 */
async function resolvePlaces(
  { recorder, reader }: BatchSetting,
  places: DirtyPlaces,
  missing: ReadonlySet<BytePath>,
): Promise<ResolvedPlaces> {
  const wanted = [...places.entries, ...places.trees]
    .filter((path) => !reader.isExcluded(path))
    .map((path) => [...missing].find((mount) => isWithin(path, mount)) ?? path);
  const whole = new Set(places.trees);
  const entries = new Set<BytePath>();
  const trees = new Set<BytePath>();
  for (const [n, place] of (await recorder.nearestKnown(wanted)).entries()) {
    if (!place) continue;
    const isWhole = place.path === wanted[n] && whole.has(place.path);
    (isWhole || !place.isRead ? trees : entries).add(place.path);
  }
  const outer = outermost(trees);
  return { entries: [...entries].filter((path) => !isWithinAny(path, outer)).sort(), trees: outer };
}
