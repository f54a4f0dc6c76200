import type { BytePath } from '../byte-path.js';
import type { KnownDigests } from './known-digests.js';
import { digestOf } from './listing-digest.js';
import { packFields } from './pack-fields.js';
import { aligned, BLOCK, BlockState, DIGEST_BYTES, ENTRY, EntryKind } from './packed-layout.js';
import type { StatFields } from './stat-fields.js';

// By names of this module, for the compiler: see pack-fields.ts.
const AT_BLOCK = BLOCK;
const AT_ENTRY = ENTRY;

/** Buffers of about this size leave when they are full. */
const BUFFER_BYTES = 512 * 1024;

/** A directory that takes more than this leaves in parts, so that memory is bounded whatever its size. */
const PART_BYTES = 4 * 1024 * 1024;

const NO_DIGEST = Buffer.alloc(DIGEST_BYTES);

/** A name in the bytes that a system call gave. */
export interface NameBytes {
  readonly source: Uint8Array;
  offset: number;
  length: number;
}

/** What listings may leave out. */
export interface Omissions {
  /** Of a directory whose digest is among these only the sums are sent. */
  readonly known?: KnownDigests | undefined;
  /** Only sums are wanted: of entries those alone are sent that have several links or could not be looked at. */
  readonly sumsOnly?: boolean;
}

/**
 * Packs directory listings into buffers (see packed-layout.ts) and hands full ones to `send`, which owns the memory
 * then and may transfer it to another thread. Memory is not zeroed beforehand: every byte is written, also padding,
 * for the digest covers it.
 */
export class ListingWriter {
  // Not initialized here: what was set only once is a constant to the compiler, until the first buffer has left.
  #bytes: Buffer<ArrayBuffer>;
  #view: DataView;
  /** End of what is packed. */
  #end = 0;
  /** Where the directory in work begins, its own fields stand, and its entries begin. */
  #block = 0;
  #fields = 0;
  #path = '/' as BytePath;
  /** Digest of the parts that have left or were dropped, for a directory that has several. */
  #partsDigest: Buffer | undefined;
  /** Whether parts are dropped rather than sent: the directory may turn out to be as it was. */
  #dropsParts = false;
  /** Where names come from: the same buffer again and again. */
  #source: Uint8Array;
  #sourceView: DataView;
  #count = 0;
  #fileCount = 0;
  #singleBytes = 0;
  #singleAllocated = 0;
  #largest = 0;
  #problems = 0;
  #linked = 0;

  readonly #known: KnownDigests | undefined;
  readonly #sumsOnly: boolean;

  constructor(
    private readonly send: (listings: Uint8Array<ArrayBuffer>) => void,
    { known, sumsOnly = false }: Omissions = {},
  ) {
    this.#bytes = newBuffer(BUFFER_BYTES);
    this.#view = viewOf(this.#bytes);
    this.#source = this.#bytes;
    this.#sourceView = this.#view;
    this.#known = known;
    this.#sumsOnly = sumsOnly;
  }

  /** Begins a directory with what stat told about it. With `isAgain` it is sent in any case, see {@link end}. */
  begin(path: BytePath, own: StatFields, { isAgain = false } = {}): void {
    this.#path = path;
    this.#partsDigest = undefined;
    this.#dropsParts = this.#known !== undefined && !isAgain;
    this.#openBlock();
    this.#resetSums();
    packFields(this.#view, this.#fields, own);
  }

  /** Adds an entry that is no directory. */
  addFile(name: NameBytes, stat: StatFields): void {
    const { links } = stat;
    if (!this.#sumsOnly || links !== 1) {
      const at = this.#addEntry(name, EntryKind.file, AT_ENTRY.end);
      packFields(this.#view, at, stat);
    }
    this.#fileCount++;
    const { size } = stat;
    if (links === 1) {
      this.#singleBytes += size;
      this.#singleAllocated += stat.allocated;
    } else {
      this.#linked++;
    }
    if (size > this.#largest) this.#largest = size;
  }

  /** Adds a directory by name. */
  addDirectory(name: NameBytes): void {
    if (!this.#sumsOnly) this.#addEntry(name, EntryKind.directory, AT_ENTRY.shortEnd);
  }

  /** Adds an entry that could not be looked at. */
  addProblem(name: NameBytes, kind: 'unknown' | 'vanished', errno: number): void {
    const at = this.#addEntry(name, EntryKind[kind], AT_ENTRY.shortEnd);
    this.#view.setUint32(at + AT_ENTRY.mode, errno);
    this.#problems++;
  }

  /**
   * Ends a directory whose entries are all there. False for a very large one that is not as it was: parts of it that
   * might have been left out are gone, and it must be begun again.
   */
  end(): boolean {
    const hasDropped = this.#dropsParts && this.#partsDigest !== undefined;
    const digest = this.#digestParts();
    if (this.#problems === 0 && this.#known?.has(digest)) {
      this.#end = this.#fields;
      this.#count = 0;
      this.#closeBlock(BlockState.same, { digest });
      return true;
    }
    if (hasDropped) {
      this.#end = this.#block;
      return false;
    }
    this.#closeBlock(BlockState.read, { digest });
    return true;
  }

  /** Ends a directory without entries: those that were added to this part are dropped. */
  endWithout(state: 'unreadable' | 'notEntered', errno = 0): void {
    this.#end = this.#fields + AT_ENTRY.end;
    this.#resetSums();
    this.#closeBlock(BlockState[state], { digest: this.#digestParts(), errno });
  }

  /** Sends every directory that has ended. */
  flush(): void {
    this.#sendUpTo(this.#end);
  }

  #openBlock(): void {
    const length = AT_BLOCK.path + aligned(this.#path.length) + AT_ENTRY.end;
    this.#block = this.#end;
    this.#reserve(length);
    this.#fields = this.#end + length - AT_ENTRY.end;
    this.#end += length;
    this.#view.setUint32(this.#block + AT_BLOCK.pathLength, this.#path.length, true);
    this.#view.setBigUint64(this.#fields - 8, 0n, true);
    this.#bytes.write(this.#path, this.#block + AT_BLOCK.path, 'latin1');
    this.#view.setUint32(this.#fields + AT_ENTRY.nameLength, 0, true);
  }

  #resetSums(): void {
    this.#count = 0;
    this.#fileCount = 0;
    this.#singleBytes = 0;
    this.#singleAllocated = 0;
    this.#largest = 0;
    this.#problems = 0;
    this.#linked = 0;
  }

  #addEntry(name: NameBytes, kind: number, nameOffset: number): number {
    const length = nameOffset + aligned(name.length);
    if (this.#end + length - this.#fields > PART_BYTES) this.#endPart();
    this.#reserve(length);
    const at = this.#end;
    this.#end += length;
    this.#count++;
    this.#view.setUint32(at + AT_ENTRY.nameLength, name.length | (kind << 16), true);
    this.#view.setUint32(at + AT_ENTRY.mode, 0, true);
    this.#copyName(name, at + nameOffset);
    return at;
  }

  /** Copies a name and fills the space up to the end with zeros: by words, which takes a third of the time of bytes. */
  #copyName({ source, offset, length }: NameBytes, at: number): void {
    if (source !== this.#source) {
      this.#source = source;
      this.#sourceView = viewOf(source);
    }
    const from = this.#sourceView;
    const to = this.#view;
    to.setUint32(this.#end - 8, 0, true);
    to.setUint32(this.#end - 4, 0, true);
    let n = 0;
    for (; n + 4 <= length; n += 4) to.setUint32(at + n, from.getUint32(offset + n, true), true);
    for (; n < length; n++) to.setUint8(at + n, from.getUint8(offset + n));
  }

  /** Ends a part of a very large directory and begins the next one. */
  #endPart(): void {
    const own = Buffer.from(this.#bytes.subarray(this.#fields, this.#fields + AT_ENTRY.end));
    const digest = this.#digestParts();
    this.#partsDigest = digest;
    if (this.#dropsParts) {
      this.#end = this.#block;
    } else {
      this.#closeBlock(BlockState.part, { digest });
      this.flush();
      this.#resetSums();
    }
    this.#openBlock();
    this.#bytes.set(own, this.#fields);
  }

  /** Digest of the directory up to here; of one that lacks entries there is none. */
  #digestParts(): Buffer {
    if (this.#sumsOnly) return NO_DIGEST;
    return digestOf(this.#bytes.subarray(this.#block + AT_BLOCK.path, this.#end), this.#partsDigest);
  }

  #closeBlock(
    state: number,
    { digest, errno = 0 }: { readonly digest: Buffer; readonly errno?: number },
  ): void {
    const view = this.#view;
    const at = this.#block;
    view.setUint32(at + AT_BLOCK.length, this.#end - at, true);
    view.setUint16(at + AT_BLOCK.state, state, true);
    view.setUint16(at + AT_BLOCK.errno, errno, true);
    view.setUint32(at + AT_BLOCK.entryCount, this.#count, true);
    view.setFloat64(at + AT_BLOCK.fileCount, this.#fileCount, true);
    view.setFloat64(at + AT_BLOCK.singleBytes, this.#singleBytes, true);
    view.setFloat64(at + AT_BLOCK.singleAllocated, this.#singleAllocated, true);
    view.setFloat64(at + AT_BLOCK.largest, this.#largest, true);
    view.setUint32(at + AT_BLOCK.problemCount, this.#problems, true);
    view.setUint32(at + AT_BLOCK.linkedCount, this.#linked, true);
    this.#bytes.set(digest, at + AT_BLOCK.digest);
    this.#block = this.#end;
    if (this.#end >= BUFFER_BYTES) this.flush();
  }

  /** Makes room behind the end: by sending the directories that have ended, and if that is not enough by growing. */
  #reserve(length: number): void {
    if (this.#end + length <= this.#bytes.length) return;
    if (this.#block > 0) {
      const sent = this.#block;
      const work = Buffer.from(this.#bytes.subarray(sent, this.#end));
      this.#sendUpTo(sent);
      if (work.length > this.#bytes.length) this.#grow(work.length);
      this.#bytes.set(work);
      this.#end = work.length;
      this.#fields -= sent;
    }
    if (this.#end + length > this.#bytes.length) this.#grow(this.#end + length);
  }

  #grow(needed: number): void {
    const larger = newBuffer(2 * needed);
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
    this.#view = viewOf(larger);
  }

  #sendUpTo(end: number): void {
    if (end === 0) return;
    const full = this.#bytes;
    this.#bytes = newBuffer(BUFFER_BYTES);
    this.#view = viewOf(this.#bytes);
    this.#end = 0;
    this.#block = 0;
    this.send(full.subarray(0, end));
  }
}

/** Memory of its own, not a piece of Node's pool, so that it can be transferred. */
function newBuffer(length: number): Buffer<ArrayBuffer> {
  return Buffer.allocUnsafeSlow(length);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
