import { childPath } from '../../byte-path.js';
import type { DirectoryListing } from '../../listing/directory-listing.js';
import type { OwnSums } from './directory-table.js';
import type { DirectoryNode, FreePlace } from './directory-tree.js';
import type { SessionTables } from './session-tables.js';

/** Sums over the parts of a new directory that have come so far. */
export type FreshSums = Readonly<OwnSums>;

/** Sums of nothing. */
export function noSums(): FreshSums {
  return { files: 0, bytes: 0, allocated: 0, largest: 0 };
}

/**
 * Adds a directory of which nothing was known, with its files: there is nothing to compare, so rows go from the
 * packed listing straight into the table. Returns the sums over this part and the earlier ones.
 */
export function insertFresh(
  tables: SessionTables,
  {
    found,
    listing,
    earlier,
    isBaseline,
  }: {
    readonly found: DirectoryNode | FreePlace;
    readonly listing: DirectoryListing;
    readonly earlier: FreshSums;
    readonly isBaseline: boolean;
  },
): FreshSums {
  const attributes = listing.attributes();
  const isLast = listing.state !== 'part';
  // Where a very large directory fails after some parts, those stay: what they say was seen.
  const whole: FreshSums = {
    files: earlier.files + listing.sums.files,
    bytes: earlier.bytes + listing.sums.bytes,
    allocated: earlier.allocated + listing.sums.allocated + (isLast ? attributes.allocated : 0),
    largest: Math.max(earlier.largest, listing.largest),
  };
  const digest = listing.state === 'read' ? listing.digest : null;
  const id = placeFresh(tables, { found, listing, digest, whole: isLast ? whole : undefined });
  if (isLast && !isBaseline) tables.log.add('new', listing.path, { before: null, after: attributes });
  insertFiles(tables, { id, device: attributes.device, listing, isBaseline });
  return whole;
}

/** Makes or fills the directory's row; `whole` are its sums when all parts have come. */
function placeFresh(
  { directories, tree, ledger }: SessionTables,
  {
    found,
    listing,
    digest,
    whole,
  }: {
    readonly found: DirectoryNode | FreePlace;
    readonly listing: DirectoryListing;
    readonly digest: Buffer | null;
    readonly whole: FreshSums | undefined;
  },
): number {
  const attributes = listing.attributes();
  if ('id' in found) {
    if (whole) {
      directories.fill(found.id, digest, attributes, whole.largest);
      const delta = { ...sumsOf(whole), directories: 0 };
      directories.addOwn(found.id, delta);
      ledger.add(found.id, delta);
    }
    return found.id;
  }
  const id = directories.insert(found.parent, found.name, { digest, attributes, own: whole ?? noSums() });
  if (found.parent !== 0) ledger.add(found.parent, { ...sumsOf(whole ?? noSums()), directories: 1 });
  tree.remember(listing.path, { id, parent: found.parent, digest, isFresh: true });
  return id;
}

function sumsOf({ files, bytes, allocated }: FreshSums) {
  return { files, bytes, allocated };
}

function insertFiles(
  { files, links, log }: SessionTables,
  {
    id,
    device,
    listing,
    isBaseline,
  }: {
    readonly id: number;
    readonly device: number;
    readonly listing: DirectoryListing;
    readonly isBaseline: boolean;
  },
): void {
  listing.visit({
    file: (entry) => {
      if (entry.links > 1) links.touch(entry.inode);
      files.insertPacked(id, device, entry);
      if (isBaseline) return;
      log.add('new', childPath(listing.path, entry.name), { before: null, after: entry.attributes() });
    },
    directory: () => {},
    problem: () => {},
  });
}
