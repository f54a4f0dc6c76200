import { type BytePath, childPath } from '../../byte-path.js';
import { boundsOf } from '../../listing/directory-bounds.js';
import type { DirectoryListing } from '../../listing/directory-listing.js';
import type { DirectoryNode, FreePlace } from './directory-tree.js';
import { type FreshSums, insertFresh, noSums } from './insert-fresh.js';
import { mergeListing, mergeStaged, updateAttributes } from './merge-listing.js';
import { removeSubtree } from './remove-subtree.js';
import type { SessionTables } from './session-tables.js';
import type { StagedListings } from './staged-listings.js';

/** Who is told what could not be read. */
interface ProblemSink {
  addError(path: BytePath, errno: number): void;
  countUnreadableDirectory(): void;
}

/** What an intake writes through and how. */
interface IntakeOptions {
  readonly tables: SessionTables;
  readonly staged: StagedListings;
  readonly problems: ProblemSink;
  /** A first look, which is the base of the history and no change. */
  readonly isBaseline: boolean;
}

/** Brings the catalog to what listings say, one listing at a time, by the rules of {@link ScanSession.record}. */
export class ListingIntake {
  /** Sums of very large new directories of which parts have come. */
  readonly #parts = new Map<BytePath, FreshSums>();

  constructor(private readonly options: IntakeOptions) {}

  /** Takes in one listing. */
  take(listing: DirectoryListing): void {
    if (listing.state === 'same' || this.options.tables.tree.isGone(listing.path)) return;
    if (listing.state === 'unreadable') this.#takeUnreadable(listing);
    else if (listing.state === 'notEntered') this.#keep(listing);
    else this.#takeEntries(listing);
  }

  #takeEntries(listing: DirectoryListing): void {
    const { tables, staged } = this.options;
    const found = tables.tree.locate(listing.path);
    this.#noteProblems(listing);
    if (!('id' in found) || found.isFresh) this.#takeFresh(listing, found);
    else if (listing.state === 'part' || staged.has(found.id)) this.#takeStaged(listing, found);
    else if (!found.digest?.equals(listing.digest)) mergeListing(tables, found, listing);
  }

  #takeFresh(listing: DirectoryListing, found: DirectoryNode | FreePlace): void {
    const { tables, isBaseline } = this.options;
    const earlier = this.#parts.get(listing.path) ?? noSums();
    const sums = insertFresh(tables, { found, listing, earlier, isBaseline });
    if (listing.state === 'part') this.#parts.set(listing.path, sums);
    else this.#parts.delete(listing.path);
  }

  #takeStaged(listing: DirectoryListing, node: DirectoryNode): void {
    const { tables, staged } = this.options;
    staged.add(node.id, listing);
    tables.bounds.widen(node.id, boundsOf(listing));
    if (listing.state === 'part') return;
    if (!node.digest?.equals(listing.digest)) mergeStaged(tables, { staged, node, last: listing });
    staged.forget(node.id);
  }

  /** What is known of a directory that could not be read stays, unless it is not there any more. */
  #takeUnreadable(listing: DirectoryListing): void {
    const { tables, problems } = this.options;
    const { path, errno } = listing;
    problems.addError(path, errno);
    // A new one that vanishes while it is read in parts goes with the next look: it cannot come and go at once.
    if (listing.isGone && !this.#parts.has(path)) {
      const gone = tables.tree.find(path);
      if (gone) removeSubtree(tables, { ...gone, path });
      return;
    }
    problems.countUnreadableDirectory();
    this.#keep(listing);
  }

  #keep(listing: DirectoryListing): void {
    const { tables, staged } = this.options;
    const found = tables.tree.locate(listing.path);
    if (!('id' in found) || found.isFresh) {
      this.#takeFresh(listing, found);
      return;
    }
    staged.forget(found.id);
    const after = listing.attributes();
    // Not even looked at, see StatFields.setUnknownDirectory.
    if (after.inode === 0n) return;
    const before = tables.directories.attributes(found.id);
    updateAttributes(tables, { node: found, path: listing.path, before }, after);
    if (before.ctimeNs !== after.ctimeNs || before.inode !== after.inode) {
      tables.directories.setAttributes(found.id, after);
      tables.bounds.widen(found.id, boundsOf(listing));
    }
  }

  #noteProblems(listing: DirectoryListing): void {
    if (listing.problemCount === 0) return;
    listing.visit({
      file: () => {},
      directory: () => {},
      problem: ({ name, errno }) => this.options.problems.addError(childPath(listing.path, name), errno),
    });
  }
}
