import { type BytePath, childPath, splitPath, toBytes } from '../../byte-path.js';
import type { Attributes } from '../../entry.js';
import type { DirectoryListing } from '../../listing/directory-listing.js';
import { StagedKind } from './copy-rows.js';
import type { Staging } from './staging.js';

const NOTHING_KNOWN: Attributes = {
  mode: 0,
  uid: 0,
  gid: 0,
  links: 0,
  device: 0,
  inode: 0n,
  size: 0,
  allocated: 0,
  mtimeNs: 0n,
  ctimeNs: 0n,
  bornNs: null,
};

/** Turns listings into rows of the staging table and counts what could not be read. */
export class ListingStager {
  /** Numbers of very large directories of which parts have come. */
  readonly #parts = new Map<BytePath, number>();
  #lastNumber = 0;
  #rows = 0;
  #errors = 0;
  #unreadable = 0;

  constructor(private readonly staging: Staging) {}

  /** Directories that were staged; none: there is nothing to merge. */
  get stagedDirectories(): number {
    return this.#rows;
  }

  /** Things that could not be read. */
  get errors(): number {
    return this.#errors;
  }

  get unreadableDirectories(): number {
    return this.#unreadable;
  }

  /** Whether parts of a directory wait for the last one. */
  hasParts(path: BytePath): boolean {
    return this.#parts.has(path);
  }

  /** Stages a directory of which only the place is known. */
  stagePlace(path: BytePath): void {
    this.#stageDirectory(path, StagedKind.notEntered, NOTHING_KNOWN);
  }

  /** Stages one listing. */
  stage(listing: DirectoryListing): void {
    const { path, state } = listing;
    const number = this.#parts.get(path) ?? ++this.#lastNumber;
    const hasParts = this.#parts.delete(path);
    if (state === 'part' || state === 'read') this.#stageEntries(number, listing);
    if (state === 'part') {
      this.#parts.set(path, number);
      return;
    }
    const attributes = listing.attributes();
    if (state === 'read')
      this.#stageDirectory(path, StagedKind.read, attributes, { number, digest: listing.digest });
    else if (state === 'notEntered')
      this.#stageDirectory(path, StagedKind.notEntered, attributes, { number });
    // One that vanishes while it is read in parts goes with the next scan.
    else if (listing.isGone && !hasParts) {
      this.#stageDirectory(path, StagedKind.vanished, attributes, { number });
    } else {
      this.#stageDirectory(path, StagedKind.unreadable, attributes, { number });
    }
  }

  /** Notes what a listing says could not be read. */
  noteErrors(listing: DirectoryListing): void {
    const { path, state, errno } = listing;
    if (state === 'unreadable') {
      this.#note(path, errno);
      if (!listing.isGone) this.#unreadable++;
    }
    if (listing.problemCount === 0) return;
    listing.visit({
      file: () => {},
      directory: () => {},
      problem: ({ name, errno: why }) => this.#note(childPath(path, name), why),
    });
  }

  #note(path: BytePath, errno: number): void {
    this.#errors++;
    this.staging.rows.addError(toBytes(path), errno);
  }

  #stageEntries(number: number, listing: DirectoryListing): void {
    const { rows } = this.staging;
    listing.visit({
      file: (entry) => rows.addFile(number, entry),
      directory: (name) => rows.addName(number, StagedKind.directory, toBytes(name)),
      problem: ({ name, kind }) => {
        if (kind === 'unknown') rows.addName(number, StagedKind.undecided, toBytes(name));
      },
    });
  }

  #stageDirectory(
    path: BytePath,
    kind: StagedKind,
    attributes: Attributes,
    { number = 0, digest = null }: { readonly number?: number; readonly digest?: Uint8Array | null } = {},
  ): void {
    const parentLength = splitPath(path)?.parent.length ?? 0;
    this.staging.rows.addDirectory(number, { kind, path: toBytes(path), attributes, digest, parentLength });
    this.#rows++;
  }
}
