/**
 * Byte layout of a journal file, `journal/<first sequence, 16 digits>.log`. Numbers are unsigned and big-endian.
 *
 *     header   "FTJOURN1" : 8   salt : 16   first sequence : 6
 *     frames   magic 0xF7A3C1E5 : 4   length of the body : 4   checksum : 8   body
 *     body     first sequence : 6   time in ms since 1970 : 6   changes : 2   each change
 *     change   event : 1   its fields   rows : 2   each row
 *     event    0 nothing that a client sees
 *              1 put       version : 6   size : 6   digest : 32   name length : 2   name (UTF-8)
 *              2 delete    version : 6   name length : 2   name
 *     row      operation : 1   table : 1   key length : 2   key   and unless it is a removal
 *              value length : 4   value
 *     operation 0 put   1 remove   2 the stored value begins with these bytes now
 *
 * A frame holds the changes of one write transaction, numbered on from its first sequence. Their rows are what the
 * transaction did to the tables, so replaying them gives exactly those tables, whatever rules made the changes; the
 * events are what the change feed tells. The checksum is the first 8 bytes of the SHA-256 of salt and body. A
 * content of a client's choice may hold whole frames, but not the salt, so none is found in it behind damage.
 */
import { createHash } from 'node:crypto';
import type { Digest, FileName, Version } from '@filetracker/protocol';
import type { FileRecord } from '../metadata-store.js';

/** What a change means to those who follow the store. */
export type FileEvent =
  | { readonly kind: 'put'; readonly file: FileRecord }
  | { readonly kind: 'delete'; readonly name: FileName; readonly version: Version };

/** What a change did to one row of a table. */
export type RowChange =
  | { readonly kind: 'put'; readonly table: number; readonly key: Buffer; readonly value: Uint8Array }
  | { readonly kind: 'remove'; readonly table: number; readonly key: Buffer }
  /** Only the first bytes of the value are others now. */
  | { readonly kind: 'head'; readonly table: number; readonly key: Buffer; readonly value: Uint8Array };

/** One change of the store, complete in itself. */
export interface JournalChange {
  readonly event: FileEvent | undefined;
  readonly rows: readonly RowChange[];
}

/** The changes of one write transaction. */
export interface JournalFrame {
  /** Sequence of the first change; the others follow it. */
  readonly sequence: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly changes: readonly JournalChange[];
}

export const HEADER_BYTES = 30;
export const SALT_BYTES = 16;
const FILE_MAGIC = Buffer.from('FTJOURN1');

/** Every frame begins with it; behind damage, readers look for it. */
export const FRAME_MAGIC = Buffer.from('f7a3c1e5', 'hex');
const FRAME_HEADER_BYTES = 16;
const CHECKSUM_BYTES = 8;

/** No transaction comes near it; a longer length is damage. In bytes. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;

export function encodeHeader(salt: Buffer, firstSequence: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.set(FILE_MAGIC);
  header.set(salt, FILE_MAGIC.length);
  header.writeUIntBE(firstSequence, FILE_MAGIC.length + SALT_BYTES, 6);
  return header;
}

/** The salt of a file that begins with `header`; `undefined` when that is no header of a journal file. */
export function saltOf(header: Buffer): Buffer | undefined {
  if (header.length < HEADER_BYTES || !header.subarray(0, FILE_MAGIC.length).equals(FILE_MAGIC)) {
    return undefined;
  }
  return header.subarray(FILE_MAGIC.length, FILE_MAGIC.length + SALT_BYTES);
}

/** Frames of so many changes at most are written: their number has two bytes. */
export const MAX_CHANGES = 512;

export function encodeFrame(frame: JournalFrame, salt: Buffer): Buffer {
  const output = new Output(FRAME_HEADER_BYTES + 14 + sum(frame.changes.map(changeBytes)));
  output.offset = FRAME_HEADER_BYTES;
  output.uint(frame.sequence, 6);
  output.uint(frame.time, 6);
  output.uint(frame.changes.length, 2);
  for (const change of frame.changes) putChange(output, change);
  const body = output.bytes.subarray(FRAME_HEADER_BYTES);
  output.bytes.set(FRAME_MAGIC);
  output.bytes.writeUInt32BE(body.length, 4);
  output.bytes.set(checksum(body, salt), 8);
  return output.bytes;
}

/** What stands at a place of a journal file. */
export type AtOffset =
  | { readonly kind: 'frame'; readonly frame: JournalFrame; readonly end: number }
  /** What is here may be a frame; so many bytes from `offset` on are needed to tell. */
  | { readonly kind: 'short'; readonly needed: number }
  | { readonly kind: 'damaged' };

/** Reads the frame that begins at `offset`. Its keys and values lie in `bytes`. */
export function decodeFrame(bytes: Buffer, offset: number, salt: Buffer): AtOffset {
  const rest = bytes.length - offset;
  if (rest < FRAME_HEADER_BYTES) return { kind: 'short', needed: FRAME_HEADER_BYTES };
  const length = bytes.readUInt32BE(offset + 4);
  const magic = bytes.subarray(offset, offset + FRAME_MAGIC.length);
  if (!magic.equals(FRAME_MAGIC) || length > MAX_BODY_BYTES) return { kind: 'damaged' };
  const end = offset + FRAME_HEADER_BYTES + length;
  if (bytes.length < end) return { kind: 'short', needed: end - offset };
  const body = bytes.subarray(offset + FRAME_HEADER_BYTES, end);
  const wanted = bytes.subarray(offset + 8, offset + 8 + CHECKSUM_BYTES);
  if (!checksum(body, salt).equals(wanted)) return { kind: 'damaged' };
  return { kind: 'frame', frame: takeFrame(new Input(body)), end };
}

/** Bytes at the beginning of a frame that tell which changes it has. */
const HEAD_BYTES = FRAME_HEADER_BYTES + 14;

/**
 * What the frame that begins at `offset` says of itself, without a look at whether it is sound: the number of its last
 * change, and where it ends. Undefined where no frame begins there.
 */
export function readHead(
  bytes: Buffer,
  offset: number,
): { readonly last: number; readonly end: number } | undefined {
  const body = offset + FRAME_HEADER_BYTES;
  if (bytes.length < offset + HEAD_BYTES || bytes.readUInt32BE(offset) !== FRAME_MAGIC.readUInt32BE())
    return undefined;
  const last = bytes.readUIntBE(body, 6) + bytes.readUInt16BE(body + 12) - 1;
  return { last, end: body + bytes.readUInt32BE(offset + 4) };
}

function checksum(body: Uint8Array, salt: Buffer): Buffer {
  return createHash('sha256').update(salt).update(body).digest().subarray(0, CHECKSUM_BYTES);
}

const EVENT_NONE = 0;
const EVENT_PUT = 1;
const EVENT_DELETE = 2;
const ROW_KINDS = ['put', 'remove', 'head'] as const;

/** Length of an encoded change in bytes. */
function changeBytes({ event, rows }: JournalChange): number {
  const name = event === undefined ? '' : event.kind === 'put' ? event.file.name : event.name;
  const eventBytes = event === undefined ? 0 : (event.kind === 'put' ? 46 : 8) + Buffer.byteLength(name);
  return 3 + eventBytes + sum(rows.map(rowBytes));
}

function rowBytes(row: RowChange): number {
  return 4 + row.key.length + (row.kind === 'remove' ? 0 : 4 + row.value.byteLength);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function putChange(output: Output, { event, rows }: JournalChange): void {
  if (event === undefined) output.uint(EVENT_NONE, 1);
  else if (event.kind === 'put') {
    output.uint(EVENT_PUT, 1);
    output.uint(event.file.version, 6);
    output.uint(event.file.size, 6);
    output.raw(Buffer.from(event.file.digest, 'hex'));
    output.sized(Buffer.from(event.file.name), 2);
  } else {
    output.uint(EVENT_DELETE, 1);
    output.uint(event.version, 6);
    output.sized(Buffer.from(event.name), 2);
  }
  output.uint(rows.length, 2);
  for (const row of rows) {
    output.uint(ROW_KINDS.indexOf(row.kind), 1);
    output.uint(row.table, 1);
    output.sized(row.key, 2);
    if (row.kind !== 'remove') output.sized(row.value, 4);
  }
}

function takeFrame(input: Input): JournalFrame {
  const sequence = input.uint(6);
  const time = input.uint(6);
  const changes = Array.from({ length: input.uint(2) }, () => takeChange(input));
  return { sequence, time, changes };
}

function takeChange(input: Input): JournalChange {
  const event = takeEvent(input);
  const rows = Array.from({ length: input.uint(2) }, () => takeRow(input));
  return { event, rows };
}

function takeEvent(input: Input): FileEvent | undefined {
  const kind = input.uint(1);
  if (kind === EVENT_NONE) return undefined;
  const version = input.uint(6) as Version;
  if (kind === EVENT_DELETE) {
    return { kind: 'delete', version, name: input.sized(2).toString() as FileName };
  }
  const size = input.uint(6);
  const digest = input.raw(32).toString('hex') as Digest;
  return { kind: 'put', file: { name: input.sized(2).toString() as FileName, version, digest, size } };
}

function takeRow(input: Input): RowChange {
  const kind = ROW_KINDS[input.uint(1)] ?? 'put';
  const table = input.uint(1);
  const key = input.sized(2);
  return kind === 'remove' ? { kind, table, key } : { kind, table, key, value: input.sized(4) };
}

class Output {
  readonly bytes: Buffer;
  offset = 0;

  constructor(length: number) {
    this.bytes = Buffer.allocUnsafe(length);
  }

  uint(value: number, length: number): void {
    this.offset = this.bytes.writeUIntBE(value, this.offset, length);
  }

  raw(value: Uint8Array): void {
    this.bytes.set(value, this.offset);
    this.offset += value.byteLength;
  }

  sized(value: Uint8Array, lengthBytes: number): void {
    this.uint(value.byteLength, lengthBytes);
    this.raw(value);
  }
}

class Input {
  #offset = 0;

  constructor(private readonly bytes: Buffer) {}

  uint(length: number): number {
    const value = this.bytes.readUIntBE(this.#offset, length);
    this.#offset += length;
    return value;
  }

  raw(length: number): Buffer {
    const value = this.bytes.subarray(this.#offset, this.#offset + length);
    this.#offset += length;
    return value;
  }

  sized(lengthBytes: number): Buffer {
    return this.raw(this.uint(lengthBytes));
  }
}
