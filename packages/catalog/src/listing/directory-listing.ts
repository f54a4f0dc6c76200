import { constants } from 'node:os';
import { type ByteName, type BytePath, nameFromBytes, pathFromBytes } from '../byte-path.js';
import type { Attributes, Entry } from '../entry.js';
import { aligned, BLOCK, BlockState, DIGEST_BYTES, ENTRY, EntryKind, NO_BIRTH } from './packed-layout.js';

// By names of this module, for the compiler: see pack-fields.ts.
const AT_BLOCK = BLOCK;
const AT_ENTRY = ENTRY;

const { ENOENT, ENOTDIR } = constants.errno;

/** The first half of {@link NO_BIRTH}; the other is zero. */
const NO_BIRTH_WORD = Number(NO_BIRTH >> 32n);

/** Sums over the entries of a listing that are no directories. */
interface ListingSums {
  /** All of them. */
  readonly files: number;
  /** Bytes of those with one link; files with several names need care to be counted once. */
  readonly bytes: number;
  readonly allocated: number;
}

/** An entry whose attributes are not known. */
interface ProblemEntry {
  readonly name: ByteName;
  /** `unknown`: it is there. `vanished`: it went while the directory was read. */
  readonly kind: 'unknown' | 'vanished';
  readonly errno: number;
}

/** What is to be done with each entry of a listing; see {@link DirectoryListing.visit}. */
interface EntryVisitor {
  /** An entry that is no directory; its fields are read with the accessors of {@link PackedEntry}. */
  file(entry: PackedEntry): void;
  /** `at` is where the entry stands, see {@link DirectoryListing.placeOf}. */
  directory(name: ByteName, at: number): void;
  problem(problem: ProblemEntry): void;
}

/** Reads single fields of a packed entry, for loops that must not make an object for each. */
export class PackedEntry {
  at = 0;

  constructor(
    private readonly bytes: Buffer,
    private readonly view: DataView,
  ) {}

  get nameLength(): number {
    return this.view.getUint16(this.at + AT_ENTRY.nameLength, true);
  }

  /** The name's bytes: a view that is valid as long as the listing is. Made in a third of the time of a Buffer. */
  get nameBytes(): Uint8Array {
    const { buffer, byteOffset } = this.view;
    return new Uint8Array(buffer, byteOffset + this.at + AT_ENTRY.end, this.nameLength);
  }

  get name(): ByteName {
    return this.bytes.toString(
      'latin1',
      this.at + AT_ENTRY.end,
      this.at + AT_ENTRY.end + this.nameLength,
    ) as ByteName;
  }

  /** One byte of the name. */
  nameByte(index: number): number {
    return this.view.getUint8(this.at + AT_ENTRY.end + index);
  }

  /** All fields but the name's length, then the name, in hexadecimal: two entries are the same if their lines are. */
  get line(): string {
    return this.bytes.toString('hex', this.at + AT_ENTRY.mode, this.at + AT_ENTRY.end + this.nameLength);
  }

  /** Four bytes of the fields from an offset on, in the order in which they are packed. */
  word(offset: number): number {
    return this.view.getInt32(this.at + offset);
  }

  /** Copies the name's bytes to a place in other memory; returns where they end. */
  copyName(to: Buffer, at: number): number {
    const start = this.at + AT_ENTRY.end;
    return at + this.bytes.copy(to, at, start, start + this.nameLength);
  }

  get mode(): number {
    return this.view.getUint32(this.at + AT_ENTRY.mode);
  }

  get uid(): number {
    return this.view.getUint32(this.at + AT_ENTRY.uid);
  }

  get gid(): number {
    return this.view.getUint32(this.at + AT_ENTRY.gid);
  }

  get links(): number {
    return this.#uint64(AT_ENTRY.links);
  }

  get device(): number {
    return this.#uint64(AT_ENTRY.device);
  }

  get inode(): bigint {
    return this.view.getBigInt64(this.at + AT_ENTRY.inode);
  }

  get size(): number {
    return this.#uint64(AT_ENTRY.size);
  }

  get allocated(): number {
    return this.#uint64(AT_ENTRY.allocated);
  }

  get mtimeNs(): bigint {
    return this.view.getBigInt64(this.at + AT_ENTRY.mtime);
  }

  get ctimeNs(): bigint {
    return this.view.getBigInt64(this.at + AT_ENTRY.ctime);
  }

  /** The ctime rounded to 256 ns: to look at the newest first. */
  get roundedCtimeNs(): number {
    const at = this.at + AT_ENTRY.ctime;
    return this.view.getInt32(at) * 2 ** 32 + this.view.getUint32(at + 4);
  }

  get bornNs(): bigint | null {
    const born = this.view.getBigInt64(this.at + AT_ENTRY.birth);
    return born === NO_BIRTH ? null : born;
  }

  /** The fields as they are packed, from the mode to the name: a view. */
  get fieldBytes(): Uint8Array {
    return this.bytes.subarray(this.at + AT_ENTRY.mode, this.at + AT_ENTRY.end);
  }

  /** Whether the time of birth is known. */
  get hasBirth(): boolean {
    return this.word(AT_ENTRY.birth) !== NO_BIRTH_WORD || this.word(AT_ENTRY.birth + 4) !== 0;
  }

  /** The entry as it is packed: a view, for {@link entryFromPacked}. */
  get packedBytes(): Uint8Array {
    return this.bytes.subarray(this.at, this.at + AT_ENTRY.end + this.nameLength);
  }

  /** All fields but the name, as an object of its own. */
  attributes(): Attributes {
    const { mode, uid, gid, links, device, inode, size, allocated, mtimeNs, ctimeNs, bornNs } = this;
    return { mode, uid, gid, links, device, inode, size, allocated, mtimeNs, ctimeNs, bornNs };
  }

  /** The whole entry, as an object of its own. */
  entry(): Entry {
    return { name: this.name, ...this.attributes() };
  }

  #uint64(field: number): number {
    return this.view.getUint32(this.at + field) * 2 ** 32 + this.view.getUint32(this.at + field + 4);
  }
}

/** Stands for the fields of a directory of which only the place is known: zeros, and no time of birth. */
export const NOTHING_KNOWN = nothingKnown();

/** Reads an entry that begins a piece of memory of its own; one without a name may end where that would stand. */
export function packedEntry(bytes: Buffer): PackedEntry {
  return new PackedEntry(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

function nothingKnown(): PackedEntry {
  const bytes = Buffer.alloc(AT_ENTRY.end);
  bytes.writeBigInt64BE(NO_BIRTH, AT_ENTRY.birth);
  return packedEntry(bytes);
}

/** What became of reading a directory; see {@link BlockState}. */
type ListingState = 'read' | 'unreadable' | 'notEntered' | 'part' | 'same';

const STATES = Object.fromEntries(
  Object.entries(BlockState).map(([name, value]) => [value, name]),
) as Readonly<Record<number, ListingState>>;

/** One directory as the crawler or the watcher read it, or one part of a very large one. A view: see {@link readListings}. */
export class DirectoryListing {
  readonly state: ListingState;
  #path: BytePath | undefined;

  // Fields are read when they are asked for: of most blocks, those of state `same`, few ever are.
  constructor(
    private readonly bytes: Buffer,
    private readonly view: DataView,
    private readonly start: number,
  ) {
    this.state = STATES[view.getUint16(start + AT_BLOCK.state, true)] ?? 'unreadable';
  }

  get path(): BytePath {
    const at = this.start + AT_BLOCK.path;
    this.#path ??= pathFromBytes(this.bytes.subarray(at, at + this.#pathLength));
    return this.#path;
  }

  /** Whether this is the listing of a directory: takes less time than reading the path where it is not. */
  isOf(path: BytePath): boolean {
    return this.#pathLength === path.length && this.path === path;
  }

  /** Why it could not be read, for the state `unreadable`. */
  get errno(): number {
    return this.view.getUint16(this.start + AT_BLOCK.errno, true);
  }

  /** Entries of every kind in this block. */
  get entryCount(): number {
    return this.view.getUint32(this.start + AT_BLOCK.entryCount, true);
  }

  get sums(): ListingSums {
    return {
      files: this.view.getFloat64(this.start + AT_BLOCK.fileCount, true),
      bytes: this.view.getFloat64(this.start + AT_BLOCK.singleBytes, true),
      allocated: this.view.getFloat64(this.start + AT_BLOCK.singleAllocated, true),
    };
  }

  /** Entries that could not be looked at. */
  get problemCount(): number {
    return this.view.getUint32(this.start + AT_BLOCK.problemCount, true);
  }

  /** Files with several names. */
  get linkedCount(): number {
    return this.view.getUint32(this.start + AT_BLOCK.linkedCount, true);
  }

  /** Largest size of an entry that is no directory, in bytes. */
  get largest(): number {
    return this.view.getFloat64(this.start + AT_BLOCK.largest, true);
  }

  /** Whether it could not be read because it is not there any more. */
  get isGone(): boolean {
    return this.state === 'unreadable' && (this.errno === ENOENT || this.errno === ENOTDIR);
  }

  /** Digest of the directory's own fields and of all its entries; of the last part, that of all parts. */
  get digest(): Buffer {
    const at = this.start + AT_BLOCK.digest;
    return this.bytes.subarray(at, at + DIGEST_BYTES);
  }

  /** What the digest covers, of a directory that is one block: path, own fields and entries. A view. */
  get digestedBytes(): Uint8Array {
    const end = this.start + this.view.getUint32(this.start + AT_BLOCK.length, true);
    return this.bytes.subarray(this.start + AT_BLOCK.path, end);
  }

  /** Where in {@link digestedBytes} something stands that a visitor was shown at {@link PackedEntry.at}. */
  placeOf(at: number): number {
    return at - this.start - AT_BLOCK.path;
  }

  /** The entry that a visitor was shown at {@link PackedEntry.at}. */
  entryAt(at: number): PackedEntry {
    const entry = new PackedEntry(this.bytes, this.view);
    entry.at = at;
    return entry;
  }

  /** The directory's own fields, without a name. A block of state `same` has none. */
  get own(): PackedEntry {
    return this.entryAt(this.start + AT_BLOCK.path + aligned(this.#pathLength));
  }

  /** The directory's own attributes. A block of state `same` has none. */
  attributes(): Attributes {
    return this.own.attributes();
  }

  /** Shows every entry in the order of the file system. The `PackedEntry` is the same object each time. */
  visit(visitor: EntryVisitor): void {
    const entry = new PackedEntry(this.bytes, this.view);
    const count = this.entryCount;
    let at = this.own.at + AT_ENTRY.end;
    for (let n = 0; n < count; n++) {
      const nameLength = this.view.getUint16(at + AT_ENTRY.nameLength, true);
      const kind = this.view.getUint16(at + AT_ENTRY.kind, true);
      if (kind === EntryKind.file) {
        entry.at = at;
        visitor.file(entry);
        at += AT_ENTRY.end + aligned(nameLength);
        continue;
      }
      const nameAt = at + AT_ENTRY.shortEnd;
      const name = nameFromBytes(this.bytes.subarray(nameAt, nameAt + nameLength));
      if (kind === EntryKind.directory) visitor.directory(name, at);
      else visitor.problem(this.#problem(name, kind, at));
      at = nameAt + aligned(nameLength);
    }
  }

  get #pathLength(): number {
    return this.view.getUint32(this.start + AT_BLOCK.pathLength, true);
  }

  #problem(name: ByteName, kind: number | undefined, at: number): ProblemEntry {
    const errno = this.view.getUint32(at + AT_ENTRY.mode);
    return { name, kind: kind === EntryKind.vanished ? 'vanished' : 'unknown', errno };
  }
}

/** Reads an entry that {@link PackedEntry.packedBytes} gave. */
export function entryFromPacked(packed: Uint8Array): Entry {
  return packedEntry(Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength)).entry();
}

/** Reads an entry's name from its {@link PackedEntry.line}. */
export function nameFromLine(line: string): ByteName {
  return nameFromBytes(Buffer.from(line.slice(2 * (AT_ENTRY.end - AT_ENTRY.mode)), 'hex'));
}

/** The listings that a {@link ListingWriter} packed; they are views of its memory. */
export function* readListings(packed: Uint8Array): Generator<DirectoryListing> {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  for (let at = 0; at < bytes.length; at += view.getUint32(at + AT_BLOCK.length, true)) {
    yield new DirectoryListing(bytes, view, at);
  }
}
