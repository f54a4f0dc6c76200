import { childPath } from '../../byte-path.js';
import type { Attributes } from '../../entry.js';
import { boundsOf } from '../../listing/directory-bounds.js';
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
  const id = placeFresh(tables, { found, listing, attributes, digest, whole: isLast ? whole : undefined });
  // Of what came in parts, or only by its place, nothing is taken back.
  const isWhole = listing.state === 'read' && earlier.files === 0;
  tables.bounds[isWhole ? 'set' : 'widen'](id, boundsOf(listing));
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
    attributes,
    digest,
    whole,
  }: {
    readonly found: DirectoryNode | FreePlace;
    readonly listing: DirectoryListing;
    readonly attributes: Attributes;
    readonly digest: Buffer | null;
    readonly whole: FreshSums | undefined;
  },
): number {
  if ('id' in found) {
    if (whole) {
      directories.fill(found.id, digest, attributes, whole.largest);
      const delta = totalsOf(whole, 0);
      directories.addOwn(found.id, delta);
      ledger.add(found.id, delta);
    }
    return found.id;
  }
  const own = whole ?? noSums();
  const id = directories.insert(found.parent, found.name, { digest, attributes, own });
  if (found.parent !== 0) ledger.add(found.parent, totalsOf(own, 1));
  // Without its digest, which is a view that would keep the whole listing in memory.
  tree.remember(listing.path, { id, parent: found.parent, digest: null, isFresh: true });
  return id;
}

function totalsOf({ files, bytes, allocated }: FreshSums, directories: number) {
  return { files, directories, bytes, allocated };
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
      const path = childPath(listing.path, entry.name);
      log.add('new', path, { before: null, after: entry.attributes(), isCounted: entry.links === 1 });
    },
    directory: () => {},
    problem: () => {},
  });
}
