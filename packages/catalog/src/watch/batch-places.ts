import { type BytePath, isWithin, splitPath } from '../byte-path.js';
import type { Catalog } from '../database/catalog.js';
import type { ChangeKind, FileChange } from '../database/records.js';
import type { RecordedBatch } from '../database/watch-recorder.js';
import { isDirectory } from '../entry.js';

/** What a batch changed in one directory, or in one and those below it. */
export interface ChangedPlace {
  readonly path: BytePath;
  /** How many bytes its files grew by; of several names of a file one counts, as in the totals of directories. */
  readonly bytes: number;
  /** Files by what happened to them. */
  readonly files: Readonly<Record<ChangeKind, number>>;
  /** Files that were renamed from here to another directory, where they are counted. */
  readonly left: number;
  /** Directories by what happened to them. */
  readonly directories: Readonly<Record<ChangeKind, number>>;
}

interface Sums {
  bytes: number;
  files: Record<ChangeKind, number>;
  left: number;
  directories: Record<ChangeKind, number>;
}

const noSums = (): Sums => ({
  bytes: 0,
  files: { new: 0, modified: 0, renamed: 0, removed: 0 },
  left: 0,
  directories: { new: 0, modified: 0, renamed: 0, removed: 0 },
});

/**
 * Sums a batch's changes by directory, in byte order of the paths. Where there are more than `limit` directories, the
 * deepest are joined with the ones that hold them, but never above `root`.
 */
export async function changedPlaces(
  catalog: Catalog,
  { run, recordedAt }: RecordedBatch,
  { root, limit }: { readonly root: BytePath; readonly limit: number },
): Promise<readonly ChangedPlace[]> {
  if (run === undefined) return [];
  const places = new Map<BytePath, Sums>();
  const at = (path: BytePath): Sums => {
    const parent = splitPath(path)?.parent ?? path;
    const place = isWithin(parent, root) ? parent : root;
    const sums = places.get(place) ?? noSums();
    places.set(place, sums);
    return sums;
  };
  const batch = { scan: run, since: recordedAt, until: recordedAt + 1, withRecounts: true };
  for await (const change of catalog.changes(batch)) add(change, at);
  join(places, root, limit);
  return [...places].sort(([a], [b]) => (a < b ? -1 : 1)).map(([path, sums]) => ({ path, ...sums }));
}

function add(change: FileChange, at: (path: BytePath) => Sums): void {
  const { kind, path, previousPath, before, after, isRecount } = change;
  const here = at(path);
  if (isDirectory((after ?? before)?.mode ?? 0)) {
    here.directories[kind]++;
    return;
  }
  if (!isRecount) here.files[kind]++;
  if (after?.isCounted) here.bytes += after.size;
  const there = at(previousPath ?? path);
  if (there !== here && !isRecount) there.left++;
  if (before?.isCounted) there.bytes -= before.size;
}

function join(places: Map<BytePath, Sums>, root: BytePath, limit: number): void {
  const depth = (path: BytePath) => path.split('/').length;
  while (places.size > limit) {
    let deepest = 0;
    for (const path of places.keys()) deepest = Math.max(deepest, depth(path));
    for (const [path, sums] of Array.from(places)) {
      const parent = splitPath(path)?.parent;
      if (depth(path) < deepest || path === root || parent === undefined) continue;
      places.delete(path);
      places.set(parent, sum(places.get(parent) ?? noSums(), sums));
    }
  }
}

function sum(into: Sums, from: Sums): Sums {
  into.bytes += from.bytes;
  into.left += from.left;
  for (const kind of Object.keys(into.files) as ChangeKind[]) {
    into.files[kind] += from.files[kind];
    into.directories[kind] += from.directories[kind];
  }
  return into;
}
