import { type BytePath, childPath, splitPath, toBytes } from '../../byte-path.js';
import {
  boundsOf,
  boundsOfPlace,
  type DirectoryBounds,
  unitedBounds,
} from '../../listing/directory-bounds.js';
import { type DirectoryListing, NOTHING_KNOWN, type PackedEntry } from '../../listing/directory-listing.js';
import type { ChangedFile } from './changed-files.js';
import { type FileSums, StagedKind } from './staged-rows.js';
import type { Staging } from './staging.js';

const NO_FILES: FileSums = { files: 0, bytes: 0, allocated: 0, largest: 0 };

/** A directory of which parts have come. */
interface Numbered {
  readonly number: number;
  readonly sums: FileSums;
  readonly bounds: DirectoryBounds;
}

/** Turns listings into rows of the staging table, or of `files` too, and counts what could not be read. */
export class ListingStager {
  /** Very large directories of which parts have come. */
  readonly #parts = new Map<BytePath, Numbered>();
  #rows = 0;
  #errors = 0;
  #unreadable = 0;
  #hasLinked = false;

  /** @param nextNumber gives each directory a number: in a tree of which nothing is known, that of the catalog */
  constructor(
    private readonly staging: Staging,
    private readonly nextNumber: () => number,
  ) {}

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

  /** Whether a file with several names was staged. */
  get hasLinked(): boolean {
    return this.#hasLinked;
  }

  /** Whether parts of a directory wait for the last one. */
  hasParts(path: BytePath): boolean {
    return this.#parts.has(path);
  }

  /** Stages a directory of which only the place is known. */
  stagePlace(path: BytePath): void {
    const place = { number: this.nextNumber(), sums: NO_FILES, bounds: boundsOfPlace(path) };
    this.#stageDirectory(path, StagedKind.notEntered, { ...place, own: NOTHING_KNOWN });
  }

  /** Stages one listing. */
  stage(listing: DirectoryListing): void {
    const { path, state, own } = listing;
    const parts = this.#parts.get(path);
    this.#parts.delete(path);
    const { number, sums: before } = parts ?? { number: this.nextNumber(), sums: NO_FILES };
    const bounds = parts ? unitedBounds(parts.bounds, boundsOf(listing)) : boundsOf(listing);
    const hasEntries = state === 'part' || state === 'read';
    const sums = hasEntries ? sumOf(before, listing) : before;
    if (hasEntries) this.#stageEntries(number, listing);
    if (state === 'part') {
      this.#parts.set(path, { number, sums, bounds });
      return;
    }
    const directory = { number, own, sums, bounds };
    if (state === 'read')
      this.#stageDirectory(path, StagedKind.read, { ...directory, digest: listing.digest });
    else if (state === 'notEntered') this.#stageDirectory(path, StagedKind.notEntered, directory);
    // One that vanishes while it is read in parts goes with the next scan.
    else if (listing.isGone && !parts) this.#stageDirectory(path, StagedKind.vanished, directory);
    else this.#stageDirectory(path, StagedKind.unreadable, directory);
  }

  /** Stages a listing of which nothing differs but these files. */
  stageChanged(listing: DirectoryListing, changed: readonly ChangedFile[]): void {
    const { path, own, digest } = listing;
    const { rows } = this.staging;
    const number = this.nextNumber();
    for (const { now, before } of changed) {
      rows.addFile(number, now);
      if (before) rows.addEarlierFile(number, now, before);
    }
    const sums = sumOf(NO_FILES, listing);
    this.#stageDirectory(path, StagedKind.compared, {
      number,
      own,
      sums,
      bounds: boundsOf(listing),
      digest,
    });
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
    const { rows, files } = this.staging;
    const { own } = listing;
    this.#hasLinked ||= listing.linkedCount > 0;
    listing.visit({
      file: files ? (entry) => files.add(number, own, entry) : (entry) => rows.addFile(number, entry),
      // Names tell what a directory that is known has lost.
      directory: files ? () => {} : (name) => rows.addEntryName(number, StagedKind.directory, toBytes(name)),
      problem: ({ name, kind }) => {
        if (!files && kind === 'unknown') rows.addEntryName(number, StagedKind.undecided, toBytes(name));
      },
    });
  }

  #stageDirectory(
    path: BytePath,
    kind: StagedKind,
    {
      digest = null,
      ...directory
    }: Numbered & { readonly own: PackedEntry; readonly digest?: Uint8Array | null },
  ): void {
    const parentLength = splitPath(path)?.parent.length ?? 0;
    this.staging.rows.addDirectory({ ...directory, kind, path: toBytes(path), digest, parentLength });
    this.#rows++;
  }
}

function sumOf(before: FileSums, { sums, largest }: DirectoryListing): FileSums {
  return {
    files: before.files + sums.files,
    bytes: before.bytes + sums.bytes,
    allocated: before.allocated + sums.allocated,
    largest: Math.max(before.largest, largest),
  };
}
