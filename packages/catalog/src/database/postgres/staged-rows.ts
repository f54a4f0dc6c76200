import { BOUND_COLUMNS, type DirectoryBounds } from '../../listing/directory-bounds.js';
import type { PackedEntry } from '../../listing/directory-listing.js';
import { ENTRY } from '../../listing/packed-layout.js';
import type { EarlierFile } from '../earlier-file.js';
import { CopyRows, FIELD_BYTES, FIELD_COLUMNS, FIELD_COUNT, numbersLength } from './copy-rows.js';

/** What a staged row is. */
export const StagedKind = {
  /** An entry that is no directory. */
  file: 'f',
  /** What the catalog has of such an entry, where that was looked up already. */
  earlier: 'o',
  /** The name of a subdirectory. */
  directory: 'd',
  /** The name of an entry that could not be looked at: what is known of it stays. */
  undecided: 'u',
  /** A path that something could not be read at. */
  error: 'e',
  /** A directory, by its path, of which only the files are staged that differ, and nothing is missing. */
  compared: 'C',
  /** A directory all of whose entries are staged. Both of these sort before the other outcomes of a look at one. */
  read: 'D',
  /** A directory that was not entered. */
  notEntered: 'N',
  /** A directory that could not be read. */
  unreadable: 'U',
  /** A directory that was gone when it was to be read. */
  vanished: 'X',
} as const;

/** One of {@link StagedKind}. */
export type StagedKind = (typeof StagedKind)[keyof typeof StagedKind];

/**
 * The staging table's columns in the order in which rows hold them. The number of a directory is in its own row and in
 * those of its entries; files to largest_file are sums over its entries that are no directories.
 */
export const STAGED_COLUMNS = `directory bigint, kind "char", name bytea, device bigint,
  ${FIELD_COLUMNS.map((column) => `${column} ${column === 'mode' ? 'integer' : 'bigint'}`).join(', ')},
  errno integer, digest bytea, parent_length integer, files bigint, bytes bigint, file_allocated bigint,
  largest_file bigint, bounds bigint[], is_counted boolean, fingerprint bytea`;

const COLUMN_COUNT = 14 + FIELD_COUNT;
/** Columns that only directories have. */
const OWN_COUNT = 7;
/** Columns that only what the catalog has of a file has. */
const EARLIER_COUNT = 2;
/** Room for all fields of a row but the name, bounds and a fingerprint. */
const FIXED_BYTES = 196 + FIELD_BYTES;

/** Room for bounds. */
const BOUND_BYTES = numbersLength(BOUND_COLUMNS.length);

/** Sums over the entries of a directory that are no directories; bytes are of those with one link. */
export interface FileSums {
  readonly files: number;
  readonly bytes: number;
  readonly allocated: number;
  readonly largest: number;
}

/** What a row says of a directory. */
interface StagedDirectory {
  readonly number: number;
  readonly kind: StagedKind;
  readonly path: Uint8Array;
  readonly own: PackedEntry;
  readonly digest: Uint8Array | null;
  readonly parentLength: number;
  readonly sums: FileSums;
  readonly bounds: DirectoryBounds;
}

/** Packs rows of the staging table. */
export class StagedRows extends CopyRows {
  /** Adds a file of the directory with that number. */
  addFile(directory: number, entry: PackedEntry): void {
    this.begin(COLUMN_COUNT, FIXED_BYTES + entry.nameLength);
    this.addNumber(directory);
    this.addByte(StagedKind.file.charCodeAt(0));
    this.addName(entry);
    this.addPacked(entry, ENTRY.device);
    this.addFields(entry);
    this.addNulls(1 + OWN_COUNT + EARLIER_COUNT);
  }

  /** Adds what the catalog has of a file that {@link addFile} adds too. */
  addEarlierFile(
    directory: number,
    entry: PackedEntry,
    { fields, isCounted, fingerprint }: EarlierFile,
  ): void {
    this.begin(COLUMN_COUNT, FIXED_BYTES + entry.nameLength + (fingerprint?.length ?? 0));
    this.addNumber(directory);
    this.addByte(StagedKind.earlier.charCodeAt(0));
    this.addName(entry);
    this.addPacked(fields, ENTRY.device);
    this.addFields(fields);
    this.addNulls(1 + OWN_COUNT);
    this.addByte(isCounted ? 1 : 0);
    if (fingerprint) this.addBytes(fingerprint);
    else this.addNulls(1);
  }

  /** Adds an entry of which only the name is known. */
  addEntryName(directory: number, kind: StagedKind, name: Uint8Array): void {
    this.#begin(directory, kind, name);
    this.addNulls(1 + FIELD_COUNT + 1 + OWN_COUNT + EARLIER_COUNT);
  }

  /** Adds a path that could not be read, with the error's number. */
  addError(path: Uint8Array, errno: number): void {
    this.#begin(0, StagedKind.error, path);
    this.addNulls(1 + FIELD_COUNT);
    this.addInt32(errno);
    this.addNulls(OWN_COUNT + EARLIER_COUNT);
  }

  /** Adds a directory. */
  addDirectory({ number, kind, path, own, digest, parentLength, sums, bounds }: StagedDirectory): void {
    this.#begin(number, kind, path, BOUND_BYTES);
    this.addPacked(own, ENTRY.device);
    this.addFields(own);
    this.addNulls(1);
    if (digest) this.addBytes(digest);
    else this.addNulls(1);
    this.addInt32(parentLength);
    this.addNumber(sums.files);
    this.addNumber(sums.bytes);
    this.addNumber(sums.allocated);
    this.addNumber(sums.largest);
    this.addNumbers(bounds);
    this.addNulls(EARLIER_COUNT);
  }

  #begin(directory: number, kind: StagedKind, name: Uint8Array, further = 0): void {
    this.begin(COLUMN_COUNT, FIXED_BYTES + name.length + further);
    this.addNumber(directory);
    this.addByte(kind.charCodeAt(0));
    this.addBytes(name);
  }
}
