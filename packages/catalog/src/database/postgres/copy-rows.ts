import type { Attributes } from '../../entry.js';
import type { PackedEntry } from '../../listing/directory-listing.js';

/*
 * Rows of the staging table in PostgreSQL's binary COPY format: a header, then for each row the number of fields as
 * i16 and each field as its length in i32 (-1: null) and its bytes, big-endian; at the end -1 instead of a number.
 */

/** What a staged row is. */
export const StagedKind = {
  /** An entry that is no directory. */
  file: 'f',
  /** The name of a subdirectory. */
  directory: 'd',
  /** The name of an entry that could not be looked at: what is known of it stays. */
  undecided: 'u',
  /** A path that something could not be read at. */
  error: 'e',
  /** A directory, by its path, all of whose entries are staged. Sorts before the other outcomes of a look at one. */
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

/** The staging table's columns in the order in which rows hold them. */
export const STAGED_COLUMNS = `directory integer, kind "char", name bytea, mode integer, uid bigint, gid bigint,
  links bigint, device bigint, inode bigint, size bigint, allocated bigint, mtime_ns bigint, ctime_ns bigint,
  born_ns bigint, digest bytea, errno integer, parent_length integer`;

const COLUMN_COUNT = 17;
const ATTRIBUTE_COUNT = 11;
const HEADER = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
const CHUNK_BYTES = 256 * 1024;
/** Room for all fields of a row but the name. */
const FIXED_BYTES = 256;

/** What a row says of a directory. */
interface StagedDirectory {
  readonly kind: StagedKind;
  readonly path: Uint8Array;
  readonly attributes: Attributes;
  readonly digest: Uint8Array | null;
  readonly parentLength: number;
}

/** Packs rows into chunks for COPY. */
export class CopyRows {
  #bytes = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  #end = HEADER.copy(this.#bytes);

  /** Rows are waiting that make a chunk worth sending. */
  get isFull(): boolean {
    return this.#end > CHUNK_BYTES / 2;
  }

  /** Takes what is packed; `isLast` closes the stream. */
  take({ isLast }: { readonly isLast: boolean }): Buffer {
    if (isLast) {
      this.#reserve(2);
      this.#end = this.#bytes.writeInt16BE(-1, this.#end);
    }
    const chunk = this.#bytes.subarray(0, this.#end);
    this.#bytes = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    this.#end = 0;
    return chunk;
  }

  /** Adds a file of the directory with that number. */
  addFile(directory: number, entry: PackedEntry): void {
    this.#begin(directory, StagedKind.file, entry.nameBytes);
    this.#addAttributes(entry);
    this.#addNulls(3);
  }

  /** Adds an entry of which only the name is known. */
  addName(directory: number, kind: StagedKind, name: Uint8Array): void {
    this.#begin(directory, kind, name);
    this.#addNulls(ATTRIBUTE_COUNT + 3);
  }

  /** Adds a path that could not be read, with the error's number. */
  addError(path: Uint8Array, errno: number): void {
    this.#begin(0, StagedKind.error, path);
    this.#addNulls(ATTRIBUTE_COUNT + 1);
    this.#addInt32(errno);
    this.#addNulls(1);
  }

  /** Adds a directory. */
  addDirectory(directory: number, { kind, path, attributes, digest, parentLength }: StagedDirectory): void {
    this.#begin(directory, kind, path);
    this.#addAttributes(attributes);
    if (digest) this.#addBytes(digest);
    else this.#addNulls(1);
    this.#addNulls(1);
    this.#addInt32(parentLength);
  }

  #begin(directory: number, kind: StagedKind, name: Uint8Array): void {
    this.#reserve(FIXED_BYTES + name.length);
    this.#end = this.#bytes.writeInt16BE(COLUMN_COUNT, this.#end);
    this.#addInt32(directory);
    this.#end = this.#bytes.writeInt32BE(1, this.#end);
    this.#bytes[this.#end++] = kind.charCodeAt(0);
    this.#addBytes(name);
  }

  #addAttributes(from: Attributes): void {
    this.#addInt32(from.mode);
    this.#addNumber(from.uid);
    this.#addNumber(from.gid);
    this.#addNumber(from.links);
    this.#addNumber(from.device);
    this.#addBigInt(from.inode);
    this.#addNumber(from.size);
    this.#addNumber(from.allocated);
    this.#addBigInt(from.mtimeNs);
    this.#addBigInt(from.ctimeNs);
    const { bornNs } = from;
    if (bornNs === null) this.#addNulls(1);
    else this.#addBigInt(bornNs);
  }

  #addInt32(value: number): void {
    this.#end = this.#bytes.writeInt32BE(4, this.#end);
    this.#end = this.#bytes.writeInt32BE(value, this.#end);
  }

  /** A whole number that a double holds exactly, in 64 bits. */
  #addNumber(value: number): void {
    this.#end = this.#bytes.writeInt32BE(8, this.#end);
    this.#end = this.#bytes.writeInt32BE(Math.floor(value / 2 ** 32), this.#end);
    this.#end = this.#bytes.writeUInt32BE(value >>> 0, this.#end);
  }

  #addBigInt(value: bigint): void {
    this.#end = this.#bytes.writeInt32BE(8, this.#end);
    this.#end = this.#bytes.writeBigInt64BE(value, this.#end);
  }

  #addBytes(value: Uint8Array): void {
    this.#end = this.#bytes.writeInt32BE(value.length, this.#end);
    this.#bytes.set(value, this.#end);
    this.#end += value.length;
  }

  #addNulls(count: number): void {
    for (let n = 0; n < count; n++) this.#end = this.#bytes.writeInt32BE(-1, this.#end);
  }

  #reserve(length: number): void {
    if (this.#end + length <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(2 * (this.#end + length));
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
  }
}
