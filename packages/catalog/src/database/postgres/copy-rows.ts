import type { PackedEntry } from '../../listing/directory-listing.js';
import { ENTRY } from '../../listing/packed-layout.js';

/** Rows leave when about this many bytes wait. */
const CHUNK_BYTES = 128 * 1024;

/** The columns that {@link CopyRows.addFields} fills. */
export const FIELD_COLUMNS = [
  'mode',
  'uid',
  'gid',
  'links',
  'inode',
  'size',
  'allocated',
  'mtime_ns',
  'ctime_ns',
  'born_ns',
] as const;

/** The number of {@link FIELD_COLUMNS}, and the bytes that they and their lengths take. */
export const FIELD_COUNT = FIELD_COLUMNS.length;
export const FIELD_BYTES = 12 * FIELD_COUNT;

/** The number that PostgreSQL has for the type bigint, the same in every installation (pg_type.dat). */
const BIGINT_TYPE = 20;

/** The bytes that {@link CopyRows.addNumbers} takes. */
export function numbersLength(count: number): number {
  return 24 + 12 * count;
}

/**
 * Packs the rows of one table in PostgreSQL's binary COPY format: for each row the number of fields as i16, and each
 * field as its length in i32 (-1: null) and its bytes, big-endian. Fields of entries are copied as they are packed: a
 * million files must not make millions of bigints.
 */
export abstract class CopyRows {
  #bytes: Buffer;
  #view: DataView;
  #end = 0;

  /** @param chunkBytes how many bytes are worth sending */
  constructor(private readonly chunkBytes = CHUNK_BYTES) {
    this.#bytes = Buffer.allocUnsafeSlow(2 * chunkBytes);
    this.#view = viewOf(this.#bytes);
  }

  /** Rows are waiting that are worth sending. */
  get isFull(): boolean {
    return this.#end > this.chunkBytes;
  }

  /** Takes what is packed. */
  take(): Buffer {
    const chunk = this.#bytes.subarray(0, this.#end);
    this.#use(Buffer.allocUnsafeSlow(2 * this.chunkBytes));
    this.#end = 0;
    return chunk;
  }

  /** Begins a row of so many columns, all of which take at most so many bytes. */
  protected begin(columns: number, bytes: number): void {
    if (this.#end + bytes > this.#bytes.length) this.#grow(bytes);
    this.#view.setInt16(this.#end, columns);
    this.#end += 2;
  }

  protected addByte(value: number): void {
    this.#view.setInt32(this.#end, 1);
    this.#view.setUint8(this.#end + 4, value);
    this.#end += 5;
  }

  protected addInt32(value: number): void {
    this.#view.setInt32(this.#end, 4);
    this.#view.setInt32(this.#end + 4, value);
    this.#end += 8;
  }

  /** A whole number that a double holds exactly, in 64 bits. */
  protected addNumber(value: number): void {
    this.#addWords(Math.floor(value / 2 ** 32), value);
  }

  protected addBytes(value: Uint8Array): void {
    this.#view.setInt32(this.#end, value.length);
    this.#bytes.set(value, this.#end + 4);
    this.#end += 4 + value.length;
  }

  /** Numbers of 64 bits, as an array. */
  protected addNumbers(values: BigInt64Array): void {
    this.#view.setInt32(this.#end, numbersLength(values.length) - 4);
    this.#end += 4;
    // One dimension, no nulls, the type, the number of elements and of the first one.
    for (const word of [1, 0, BIGINT_TYPE, values.length, 1]) this.#addWord(word);
    for (const value of values) {
      this.#addWord(8);
      this.#view.setBigInt64(this.#end, value);
      this.#end += 8;
    }
  }

  protected addName(entry: PackedEntry): void {
    const start = this.#end + 4;
    const end = entry.copyName(this.#bytes, start);
    this.#view.setInt32(this.#end, end - start);
    this.#end = end;
  }

  protected addNulls(count: number): void {
    for (let n = 0; n < count; n++, this.#end += 4) this.#view.setInt32(this.#end, -1);
  }

  /** Adds {@link FIELD_COLUMNS}. */
  protected addFields(entry: PackedEntry): void {
    this.addInt32(entry.word(ENTRY.mode));
    this.#addWords(0, entry.word(ENTRY.uid));
    this.#addWords(0, entry.word(ENTRY.gid));
    this.addPacked(entry, ENTRY.links);
    this.addPacked(entry, ENTRY.inode);
    this.addPacked(entry, ENTRY.size);
    this.addPacked(entry, ENTRY.allocated);
    this.addPacked(entry, ENTRY.mtime);
    this.addPacked(entry, ENTRY.ctime);
    if (entry.hasBirth) this.addPacked(entry, ENTRY.birth);
    else this.addNulls(1);
  }

  /** Adds a field of 64 bits. */
  protected addPacked(entry: PackedEntry, field: number): void {
    this.#addWords(entry.word(field), entry.word(field + 4));
  }

  #addWord(word: number): void {
    this.#view.setInt32(this.#end, word);
    this.#end += 4;
  }

  #addWords(high: number, low: number): void {
    this.#view.setInt32(this.#end, 8);
    this.#view.setInt32(this.#end + 4, high);
    this.#view.setInt32(this.#end + 8, low);
    this.#end += 12;
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(2 * (this.#end + needed));
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#use(larger);
  }

  #use(bytes: Buffer): void {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
