import type { ByteName } from '../byte-path.js';
import type { Entry } from '../entry.js';

/** An entry as it was and as it is. */
export interface EntryPair<Known extends Entry> {
  readonly before: Known;
  readonly after: Entry;
}

/** How the entries of one directory differ from what the catalog has. */
export interface ListingDiff<Known extends Entry> {
  readonly added: readonly Entry[];
  readonly removed: readonly Known[];
  /** Something changed that a report must tell. */
  readonly modified: readonly EntryPair<Known>[];
  /** Only fields changed that say nothing about the file, see {@link changedAspects}: to be stored, not reported. */
  readonly refreshed: readonly EntryPair<Known>[];
}

/**
 * Compares a directory's entries (without its subdirectories) with those in the catalog. Both must be in byte order
 * of their names. Names in `undecided` are there but could not be looked at: what is known of them stays.
 */
export function diffListing<Known extends Entry>(
  known: readonly Known[],
  seen: readonly Entry[],
  undecided: ReadonlySet<ByteName> = new Set(),
): ListingDiff<Known> {
  const added: Entry[] = [];
  const removed: Known[] = [];
  const modified: EntryPair<Known>[] = [];
  const refreshed: EntryPair<Known>[] = [];
  let k = 0;
  let s = 0;
  for (;;) {
    const before = known[k];
    const after = seen[s];
    if (!before && !after) return { added, removed, modified, refreshed };
    if (before && (!after || before.name < after.name)) {
      if (!undecided.has(before.name)) removed.push(before);
      k++;
    } else if (after && (!before || after.name < before.name)) {
      added.push(after);
      s++;
    } else if (before && after) {
      if (changedAspects(before, after).length > 0) modified.push({ before, after });
      else if (before.allocated !== after.allocated || before.device !== after.device)
        refreshed.push({ before, after });
      k++;
      s++;
    }
  }
}

/**
 * What can change about a file. `time` alone means that only the inode's change time moved: the content may have been
 * rewritten with its old size and its modification time put back, which nothing else tells.
 */
export type Aspect = 'type' | 'inode' | 'size' | 'mtime' | 'mode' | 'owner' | 'links' | 'time';

/**
 * Tells what differs between two looks at a file. Left out on purpose: the bytes taken on the disk, which file
 * systems change later by themselves (delayed allocation), and the device, whose number can differ after a reboot.
 */
export function changedAspects(before: Omit<Entry, 'name'>, after: Omit<Entry, 'name'>): readonly Aspect[] {
  const aspects: Aspect[] = [];
  if (before.mode >> 12 !== after.mode >> 12) aspects.push('type');
  if (before.inode !== after.inode) aspects.push('inode');
  if (before.size !== after.size) aspects.push('size');
  if (before.mtimeNs !== after.mtimeNs) aspects.push('mtime');
  if (before.mode % 4096 !== after.mode % 4096) aspects.push('mode');
  if (before.uid !== after.uid || before.gid !== after.gid) aspects.push('owner');
  if (before.links !== after.links) aspects.push('links');
  if (before.ctimeNs !== after.ctimeNs && aspects.length === 0) aspects.push('time');
  return aspects;
}
