/**
 * Byte layout of keys and values in LMDB. Numbers are unsigned and big-endian, so that the order of keys is the
 * order of bytes.
 *
 *     files      name (UTF-8)  0x00  2^48 - 1 - version : 6   ->   digest : 32  size : 6
 *     contents   digest : 32                                  ->   references : 6  size : 6  stored size : 6  blob id (UTF-8)
 *     inline     digest : 32                                  ->   0 raw | 1 zstd : 1  bytes
 *     garbage    digest : 32                                  ->   empty
 *     tombstones name (UTF-8)                                 ->   version : 6
 *     meta       "totals"                                     ->   files, logical, contents, content, stored bytes : 8 each
 *
 * Names hold no 0x00, so `a` sorts before `a/b` and all versions of a name stand together, the newest first.
 * A content's blob id is empty when its bytes are in `inline`.
 */
import type { Digest, FileName, Version } from '@filetracker/protocol';
import type { BlobId } from '../blobs/blob-store.js';
import type { FileRecord, InlineEncoding, Totals } from './metadata-store.js';

const MAX_U48 = 2 ** 48 - 1;
const VERSION_BYTES = 6;
const DIGEST_BYTES = 32;

/** Key of one version of a file. */
export function fileKey(name: FileName, version: Version): Buffer {
  const length = Buffer.byteLength(name);
  const key = Buffer.allocUnsafe(length + 1 + VERSION_BYTES);
  key.write(name, 0);
  key[length] = 0;
  key.writeUIntBE(MAX_U48 - version, length + 1, VERSION_BYTES);
  return key;
}

/** Key that stands before all versions of a name. */
export function nameStart(name: string): Buffer {
  return Buffer.from(`${name}\u0000`);
}

/** Key that stands after all versions of a name and before everything below it as a directory. */
export function nameEnd(name: string): Buffer {
  return Buffer.from(`${name}\u0001`);
}

/** The name that a key of `files` holds. */
function nameOfKey(key: Buffer): FileName {
  return key.toString('utf8', 0, key.length - 1 - VERSION_BYTES) as FileName;
}

function versionOfKey(key: Buffer): Version {
  return (MAX_U48 - key.readUIntBE(key.length - VERSION_BYTES, VERSION_BYTES)) as Version;
}

export function encodeFile(file: FileRecord): Buffer {
  const value = Buffer.allocUnsafe(DIGEST_BYTES + 6);
  value.write(file.digest, 'hex');
  value.writeUIntBE(file.size, DIGEST_BYTES, 6);
  return value;
}

export function decodeFile(key: Buffer, value: Buffer): FileRecord {
  return {
    name: nameOfKey(key),
    version: versionOfKey(key),
    digest: value.toString('hex', 0, DIGEST_BYTES) as Digest,
    size: value.readUIntBE(DIGEST_BYTES, 6),
  };
}

export function digestKey(digest: Digest): Buffer {
  return Buffer.from(digest, 'hex');
}

/** A row of `contents`; sizes in bytes. */
export interface ContentRecord {
  readonly references: number;
  readonly size: number;
  readonly storedSize: number;
  /** None when the bytes are in `inline`. */
  readonly blob: BlobId | undefined;
}

export function encodeContent(content: ContentRecord): Buffer {
  const blob = content.blob ?? '';
  const value = Buffer.allocUnsafe(18 + Buffer.byteLength(blob));
  value.writeUIntBE(content.references, 0, 6);
  value.writeUIntBE(content.size, 6, 6);
  value.writeUIntBE(content.storedSize, 12, 6);
  value.write(blob, 18);
  return value;
}

export function decodeContent(value: Buffer): ContentRecord {
  return {
    references: value.readUIntBE(0, 6),
    size: value.readUIntBE(6, 6),
    storedSize: value.readUIntBE(12, 6),
    blob: value.length > 18 ? (value.toString('utf8', 18) as BlobId) : undefined,
  };
}

const INLINE_ENCODINGS: readonly InlineEncoding[] = ['raw', 'zstd'];

export function encodeInline(encoding: InlineEncoding, bytes: Uint8Array): Buffer {
  return Buffer.concat([Uint8Array.of(INLINE_ENCODINGS.indexOf(encoding)), bytes]);
}

export function decodeInline(value: Buffer): { encoding: InlineEncoding; bytes: Uint8Array } {
  const encoding = INLINE_ENCODINGS[value[0] ?? -1];
  if (encoding === undefined) throw new Error(`unknown encoding ${value[0]} of an inline content`);
  return { encoding, bytes: value.subarray(1) };
}

export function encodeVersion(version: Version): Buffer {
  const value = Buffer.allocUnsafe(VERSION_BYTES);
  value.writeUIntBE(version, 0, VERSION_BYTES);
  return value;
}

export function encodeTotals(totals: Totals): Buffer {
  const value = Buffer.allocUnsafe(40);
  [totals.files, totals.logicalBytes, totals.contents, totals.contentBytes, totals.storedBytes].forEach(
    (number, index) => value.writeBigUInt64BE(BigInt(number), index * 8),
  );
  return value;
}

export function decodeTotals(value: Buffer | undefined): Totals {
  const at = (index: number) => (value ? Number(value.readBigUInt64BE(index * 8)) : 0);
  return { files: at(0), logicalBytes: at(1), contents: at(2), contentBytes: at(3), storedBytes: at(4) };
}
