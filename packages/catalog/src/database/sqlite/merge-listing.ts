import { type ByteName, type BytePath, childPath, toBytes } from '../../byte-path.js';
import { diffListing } from '../../diff/diff-listing.js';
import type { Attributes, Entry } from '../../entry.js';
import { boundsOf } from '../../listing/directory-bounds.js';
import { type DirectoryListing, nameFromLine } from '../../listing/directory-listing.js';
import { applyFileDiff, type ChangedDirectory, type FileSums } from './apply-file-diff.js';
import { ComparedDirectory } from './compared-directory.js';
import type { DirectoryNode } from './directory-tree.js';
import { type FileChanges, newestChanges } from './newest-changes.js';
import { removeSubtree } from './remove-subtree.js';
import type { SessionTables } from './session-tables.js';
import type { StagedListings } from './staged-listings.js';

/** Entries of a very large directory that are compared at once. */
const PAGE = 5_000;

/** Brings a directory that the catalog knows to what its listing says. */
export function mergeListing(tables: SessionTables, node: DirectoryNode, listing: DirectoryListing): void {
  const directory = changedDirectory(tables, node, listing);
  const compared = new ComparedDirectory(tables.directories, node.id, listing);
  const newest = node.digest && newestChanges(tables.files, compared, { listing, digest: node.digest });
  if (newest?.areAll && listing.problemCount === 0) {
    const sums = applyChanges(tables, directory, newest);
    tables.directories.renew(node.id, listing.digest, listing.largest, sums);
    tables.bounds.set(node.id, boundsOf(listing));
    return;
  }
  const { gone, undecided } = compared.folders;
  const { own } = compared;
  const sums = applyChanges(tables, directory, newest ?? allChanges(tables, directory, listing), undecided);
  tables.directories.addOwn(node.id, sums);
  for (const child of gone) removeChild(tables, directory, child);
  const isWhole = undecided.size === 0;
  const largest = isWhole ? listing.largest : tables.files.largest(node.id);
  updateDirectory(tables, { node, own }, { listing, largest });
  tables.bounds[isWhole ? 'set' : 'widen'](node.id, boundsOf(listing));
}

function applyChanges(
  tables: SessionTables,
  directory: ChangedDirectory,
  { before, after }: Pick<FileChanges, 'before' | 'after'>,
  undecided?: ReadonlySet<ByteName>,
): FileSums {
  const diff = diffListing(before.toSorted(byName), after.toSorted(byName), undecided);
  return applyFileDiff(tables, directory, diff);
}

/** Finds what changed by reading all rows of a directory. */
function allChanges(
  { files, knownLines }: SessionTables,
  { id, device }: ChangedDirectory,
  listing: DirectoryListing,
): Pick<FileChanges, 'before' | 'after'> {
  const known = knownLines.read(id, device);
  const after: Entry[] = [];
  listing.visit({
    file: (entry) => {
      if (!known.delete(entry.line)) after.push(entry.entry());
    },
    directory: () => {},
    problem: () => {},
  });
  const rows = [...known].map((line) => files.known(id, device, toBytes(nameFromLine(line))));
  return { before: rows.filter((row) => row !== undefined), after };
}

/**
 * The same for a very large directory whose parts are all staged: page by page, where a page ends at the same name
 * on both sides, so that rows that a page inserts are behind the next one's begin.
 */
export function mergeStaged(
  tables: SessionTables,
  { staged, node, last }: { staged: StagedListings; node: DirectoryNode; last: DirectoryListing },
): void {
  const directory = changedDirectory(tables, node, last);
  staged.sort(node.id);
  for (let after = ''; ; ) {
    const known = tables.files.knownAfter(node.id, directory.device, after, PAGE);
    const ends = [known[PAGE - 1]?.name, staged.boundary(node.id, after, PAGE - 1)].filter(
      (end) => end !== undefined,
    );
    const end = ends.sort()[0];
    const page = staged.page(node.id, after, end);
    const before = end === undefined ? known : known.filter(({ name }) => name <= end);
    const sums = applyFileDiff(tables, directory, diffListing(before, page.entries, page.undecided));
    tables.directories.addOwn(node.id, sums);
    if (end === undefined) break;
    after = end;
  }
  for (const child of staged.missingChildren(node.id)) removeChild(tables, directory, child);
  // A listing tells the largest of its own part, and nothing of what could not be looked at.
  const own = tables.directories.attributes(node.id);
  updateDirectory(tables, { node, own }, { listing: last, largest: tables.files.largest(node.id) });
}

/** Writes a directory's own attributes, with a row of history where its permissions or its owner changed. */
export function updateAttributes(
  tables: SessionTables,
  {
    node,
    path,
    before,
  }: { readonly node: DirectoryNode; readonly path: BytePath; readonly before: Attributes },
  after: Attributes,
): void {
  if (before.mode !== after.mode || before.uid !== after.uid || before.gid !== after.gid) {
    tables.log.add('modified', path, { before, after });
  } else if (before.inode !== after.inode || before.bornNs !== after.bornNs) {
    tables.log.add('replaced', path, { before, after });
  }
  if (before.allocated !== after.allocated) {
    const sums = { files: 0, directories: 0, bytes: 0, allocated: after.allocated - before.allocated };
    tables.directories.addOwn(node.id, sums);
    tables.ledger.add(node.id, sums);
  }
}

function updateDirectory(
  tables: SessionTables,
  { node, own }: { readonly node: DirectoryNode; readonly own: Attributes },
  { listing, largest }: { readonly listing: DirectoryListing; readonly largest: number },
): void {
  const attributes = listing.attributes();
  updateAttributes(tables, { node, path: listing.path, before: own }, attributes);
  tables.directories.fill(node.id, listing.digest, attributes, largest);
}

function byName(a: Entry, b: Entry): number {
  return a.name < b.name ? -1 : 1;
}

function changedDirectory(
  tables: SessionTables,
  node: DirectoryNode,
  listing: DirectoryListing,
): ChangedDirectory {
  tables.files.flush();
  return { id: node.id, path: listing.path, device: listing.own.device };
}

function removeChild(
  tables: SessionTables,
  directory: ChangedDirectory,
  child: { readonly id: number; readonly name: ByteName },
): void {
  removeSubtree(tables, { id: child.id, parent: directory.id, path: childPath(directory.path, child.name) });
}
