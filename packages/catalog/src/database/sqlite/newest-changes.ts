import type { Entry } from '../../entry.js';
import type { DirectoryListing, PackedEntry } from '../../listing/directory-listing.js';
import { RestoredListing } from '../../listing/restored-listing.js';
import type { ComparedDirectory } from './compared-directory.js';
import { type FileTable, type KnownFile, knownFile } from './file-table.js';

/** The files of a directory that are not as they were: their rows, and what the listing says. */
export interface FileChanges {
  readonly before: readonly KnownFile[];
  readonly after: readonly Entry[];
  /** Whether nothing else about the directory is different: neither its own fields nor its subdirectories. */
  readonly areAll: boolean;
}

/** Where more of the files changed than one in so many, comparing all of them takes less time. */
const MOST_CHANGED = 4;

/**
 * Finds the files of a directory that changed by looking at few rows. What changed has the newest ctimes, as a rule:
 * from there on files are compared with their rows until one is as it was. The rule proves nothing, but the digest
 * does: if it comes out as it was with these files put back, nothing else is different. Undefined where it does not,
 * for example because something was removed: then all files are to be compared. `digest` is that of the earlier listing.
 */
export function newestChanges(
  files: FileTable,
  earlier: ComparedDirectory,
  { listing, digest }: { readonly listing: DirectoryListing; readonly digest: Buffer },
): FileChanges | undefined {
  const { id } = earlier;
  const { device } = listing.own;
  const restored = new RestoredListing(listing);
  const before: KnownFile[] = [];
  const after: Entry[] = [];
  for (const file of newestFirst(listing)) {
    const row = files.earlier(id, device, file.nameBytes);
    if (!row) restored.leaveOut(file);
    else if (!restored.putBack(file, row.fields)) break;
    const entry = file.entry();
    if (row) before.push(knownFile(entry.name, row));
    after.push(entry);
    // Mostly one file or two changed, and nothing else: the digest takes less time than a row that is as it was.
    const mayBeAll = after.length === before.length && isPowerOfTwo(after.length);
    if (mayBeAll && restored.digest.equals(digest)) return { before, after, areAll: true };
    if (after.length * MOST_CHANGED > listing.entryCount) return undefined;
  }
  const { own } = earlier;
  // Rows without a device have that of their directory, which then is not what it was.
  if (own.device !== device) return undefined;
  restored.putBackOwn(own);
  for (const folder of earlier.folders.added) restored.leaveOutDirectory(folder);
  return restored.digest.equals(digest) ? { before, after, areAll: false } : undefined;
}

/** Files that are chosen one by one; for more of them sorting all takes less time. */
const CHOSEN = 4;

function* newestFirst(listing: DirectoryListing): Generator<PackedEntry> {
  const files: { readonly at: number; readonly changed: number }[] = [];
  listing.visit({
    file: ({ at, roundedCtimeNs }) => files.push({ at, changed: roundedCtimeNs }),
    directory: () => {},
    problem: () => {},
  });
  for (let n = 0; n < CHOSEN && files.length > 0; n++) {
    let newest = 0;
    for (let at = 1; at < files.length; at++) {
      if ((files[at]?.changed ?? 0) > (files[newest]?.changed ?? 0)) newest = at;
    }
    yield listing.entryAt(files[newest]?.at ?? 0);
    files.splice(newest, 1);
  }
  files.sort((a, b) => b.changed - a.changed);
  for (const { at } of files) yield listing.entryAt(at);
}

function isPowerOfTwo(count: number): boolean {
  return (count & (count - 1)) === 0;
}
