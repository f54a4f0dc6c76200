import type { Attributes, Entry } from '../../entry.js';
import type { DirectoryListing, PackedEntry } from '../../listing/directory-listing.js';
import { RestoredListing } from '../../listing/restored-listing.js';
import type { FileTable, KnownFile } from './file-table.js';

/** The files of a directory that are not as they were: their rows, and what the listing says. */
export interface FileChanges {
  readonly before: readonly KnownFile[];
  readonly after: readonly Entry[];
}

/** A directory whose digest is another one now, as the catalog has it. */
export interface EarlierDirectory {
  readonly id: number;
  readonly digest: Buffer;
  readonly own: Attributes;
}

/** Where more of the files changed than one in so many, comparing all of them takes less time. */
const MOST_CHANGED = 4;

/**
 * Finds the files of a directory that changed by looking at few rows. What changed has the newest ctimes, as a rule:
 * from there on files are compared with their rows until one is as it was. The rule proves nothing, but the digest
 * does: if it comes out as it was with these files put back, nothing else is different. Undefined where it does not,
 * for example because something was removed: then all files are to be compared.
 */
export function newestChanges(
  files: FileTable,
  { id, digest, own }: EarlierDirectory,
  {
    listing,
    newFolders,
  }: { readonly listing: DirectoryListing; readonly newFolders: readonly PlacedFolder[] },
): FileChanges | undefined {
  // Rows without a device have that of their directory, which then is not what it was.
  if (own.device !== listing.own.device) return undefined;
  const restored = new RestoredListing(listing, own);
  for (const folder of newFolders) restored.leaveOutDirectory(folder);
  const before: KnownFile[] = [];
  const after: Entry[] = [];
  for (const file of newestFirst(listing)) {
    const row = files.known(id, own.device, file.nameBytes);
    if (!row) restored.leaveOut(file);
    else if (restored.putBack(file, row)) before.push(row);
    else break;
    after.push(file.entry());
    if (after.length * MOST_CHANGED > listing.entryCount) return undefined;
  }
  return restored.digest.equals(digest) ? { before, after } : undefined;
}

/** A subdirectory and where in the listing it stands. */
export interface PlacedFolder {
  readonly name: string;
  readonly at: number;
}

function* newestFirst(listing: DirectoryListing): Generator<PackedEntry> {
  const places: { readonly at: number; readonly changed: number }[] = [];
  listing.visit({
    // Rounded to 256 ns: it only says where to look first.
    file: ({ at, ctimeNs }) => places.push({ at, changed: Number(ctimeNs) }),
    directory: () => {},
    problem: () => {},
  });
  places.sort((a, b) => b.changed - a.changed);
  for (const { at } of places) yield listing.entryAt(at);
}
