import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import type { Digest } from '@filetracker/protocol';
import { type FileStamp, STAMP_BYTES } from './file-stamp.js';
import type { Moment } from './target-history.js';

/*
 * The digests of a tree's files, so that those which have not changed since need not be read again. A file that can
 * be deleted at any time: what is damaged or cut counts as not there.
 *
 *     "filetracker digests 2\n"
 *     moment:           first bytes of the SHA-256 of what follows : 8   sequence : 8   witness : 8   proof : 32
 *     for each block:   length of the records : 4   first bytes of their SHA-256 : 8   records
 *     for each record:  stamp : 48   digest : 32   length of the name : 2   name (UTF-8)
 *
 * Numbers are little-endian. Records come in the order of the bytes of their names. At the moment the target had all
 * these files with their modification times as versions; zeros stand for none.
 */

const MAGIC = Buffer.from('filetracker digests 2\n');
const CHECKSUM_BYTES = 8;
const MOMENT_BYTES = CHECKSUM_BYTES + 48;
const HEADER_BYTES = 4 + CHECKSUM_BYTES;
const DIGEST_BYTES = 32;
const FIXED_BYTES = STAMP_BYTES + DIGEST_BYTES + 2;

/** A block is written once it has so many bytes, and none has as many as the other number. */
export const BLOCK_BYTES = { usual: 64 * 1024, most: 128 * 1024 };

/** What is remembered of a file. */
export interface Remembered {
  readonly name: string;
  readonly stamp: FileStamp;
  readonly digest: Digest;
}

/** The beginning of a file, without a moment where none is given. */
export function encodeBeginning(moment: Moment | undefined): Buffer {
  const bytes = Buffer.alloc(MOMENT_BYTES);
  if (moment) {
    bytes.writeBigUInt64LE(BigInt(moment.sequence), CHECKSUM_BYTES);
    bytes.writeBigUInt64LE(BigInt(moment.witness), CHECKSUM_BYTES + 8);
    bytes.write(moment.proof, CHECKSUM_BYTES + 16, 'hex');
    bytes.set(checksum(bytes.subarray(CHECKSUM_BYTES)));
  }
  return Buffer.concat([MAGIC, bytes]);
}

/** Reads the beginning of a file; undefined where it is something else. */
export function readBeginning(fd: number): { readonly moment: Moment | undefined } | undefined {
  if (!read(fd, 0, MAGIC.length)?.equals(MAGIC)) return undefined;
  const bytes = read(fd, MAGIC.length, MOMENT_BYTES);
  const fields = bytes?.subarray(CHECKSUM_BYTES);
  if (!bytes || !fields || !checksum(fields).equals(bytes.subarray(0, CHECKSUM_BYTES)))
    return { moment: undefined };
  const [sequence, witness] = [Number(fields.readBigUInt64LE(0)), Number(fields.readBigUInt64LE(8))];
  return { moment: { sequence, witness, proof: fields.toString('hex', 16) } };
}

/** The blocks of a file, each one buffer of records, as far as they are sound. */
export function* readBlocks(fd: number): Generator<Buffer, undefined> {
  for (let position = MAGIC.length + MOMENT_BYTES; ; ) {
    const header = read(fd, position, HEADER_BYTES);
    const length = header?.readUInt32LE() ?? BLOCK_BYTES.most;
    const block = length < BLOCK_BYTES.most ? read(fd, position + HEADER_BYTES, length) : undefined;
    if (!header || !block || !checksum(block).equals(header.subarray(4))) return undefined;
    yield block;
    position += HEADER_BYTES + length;
  }
}

export function encodeBlock(records: Uint8Array): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(records.byteLength);
  header.set(checksum(records), 4);
  return Buffer.concat([header, records]);
}

/** A record where it stands in a block: most are only compared and written again. */
export class BlockRecord implements Remembered {
  readonly name: string;
  /** Where the next record begins. */
  readonly end: number;

  constructor(
    private readonly block: Buffer,
    private readonly begin: number,
  ) {
    const nameAt = begin + FIXED_BYTES;
    this.end = nameAt + block.readUInt16LE(nameAt - 2);
    this.name = block.toString('utf8', nameAt, this.end);
  }

  get stamp(): FileStamp {
    return this.block.subarray(this.begin, this.begin + STAMP_BYTES);
  }

  get digest(): Digest {
    const at = this.begin + STAMP_BYTES;
    return this.block.toString('hex', at, at + DIGEST_BYTES) as Digest;
  }

  hasStamp(stamp: FileStamp): boolean {
    return this.block.compare(stamp, 0, STAMP_BYTES, this.begin, this.begin + STAMP_BYTES) === 0;
  }

  /** Writes the record to `target` at `offset`. Returns its length. */
  copyTo(target: Buffer, offset: number): number {
    return this.block.copy(target, offset, this.begin, this.end);
  }
}

/** Writes a record to `target` at `offset`. Returns its length. */
export function writeRecord(record: Remembered, target: Buffer, offset: number): number {
  if (record instanceof BlockRecord) return record.copyTo(target, offset);
  const { name, stamp, digest } = record;
  target.set(stamp, offset);
  target.write(digest, offset + STAMP_BYTES, 'hex');
  const length = target.write(name, offset + FIXED_BYTES);
  target.writeUInt16LE(length, offset + FIXED_BYTES - 2);
  return FIXED_BYTES + length;
}

function read(fd: number, position: number, length: number): Buffer | undefined {
  const bytes = Buffer.allocUnsafe(length);
  return readSync(fd, bytes, 0, length, position) === length ? bytes : undefined;
}

function checksum(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest().subarray(0, CHECKSUM_BYTES);
}
