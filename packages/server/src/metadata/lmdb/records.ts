/**
 * Byte layout of keys and values in LMDB. Numbers are unsigned and big-endian, so that the order of keys is the
 * order of bytes.
 *
 *     files      name (UTF-8)  0x00       ->  version : 6  digest : 32  size : 6
 *     history    name  0x00  inverted : 6 ->  digest : 32  size : 6  ended : 6  sequence : 6  [deletion : 6]
 *     ended      ended : 6  sequence : 6  ->  key in history
 *     contents   digest : 32              ->  references : 6  size : 6  stored size : 6  place : 1  blob id or bytes
 *     garbage    digest : 32              ->  empty: a content that no file refers to
 *     unnamed    blob id (UTF-8)          ->  empty: a copy that nothing names, until it is deleted for good
 *     tombstones name (UTF-8)             ->  version : 6
 *     usage      "/"  directory (UTF-8)   ->  files : 8  bytes : 8  [key in files]
 *     meta       "totals"                 ->  files, logical, contents, content, stored bytes, usage generation : 8 each
 *                "history"                ->  sequence, versions, bytes, limit : 8 each
 *
 * `files` has the newest version of each file, found without a cursor: a quarter of the time in a write
 * transaction. What was overwritten or deleted and is kept stands in `history`, so that the present costs the same
 * with a past and without. Its inverted version is 2^48 - 1 - version: the newest comes first. Names hold no 0x00,
 * so `a` sorts before `a/b`, and listings come in the order of the names' bytes.
 *
 * `ended` is when a version was overwritten or deleted, in milliseconds by the server's clock; the table of that
 * name has the kept versions in that order, to forget the oldest first. `sequence` counts these moments and needs
 * no clock. `deletion` is the version of the deletion, absent where the version was overwritten.
 *
 * `usage` counts what lies in the directories that have or had quotas. With a key at its end, only files before that
 * key are counted so far.
 */
import type { Digest, DirectoryName, FileName, Version } from '@filetracker/protocol';
import type { BlobId } from '../../blobs/blob-store.js';
import type { ContentLocation, FileRecord, KeptVersion } from '../metadata-store.js';

const DIGEST_BYTES = 32;
const FILE_BYTES = 6 + DIGEST_BYTES + 6;

/** Key of the newest version of a file. */
export function fileKey(name: string): Buffer {
  return Buffer.from(`${name}\u0000`);
}

/** Key that stands after all versions of a file and before everything below it as a directory. */
export function fileKeyEnd(name: string): Buffer {
  return Buffer.from(`${name}\u0001`);
}

/** The name that a key of a newest version holds. */
export function nameOfKey(key: Buffer): FileName {
  return key.toString('utf8', 0, key.length - 1) as FileName;
}

const MAX_UINT48 = 2 ** 48 - 1;
const INVERTED_BYTES = 6;

/** Key of a version that is kept in the history. */
export function historyKey(name: string, version: Version): Buffer {
  const nameBytes = Buffer.byteLength(name);
  const key = Buffer.alloc(nameBytes + 1 + INVERTED_BYTES);
  key.write(name);
  key.writeUIntBE(MAX_UINT48 - version, nameBytes + 1, INVERTED_BYTES);
  return key;
}

/** The name that a key in the history holds. */
export function nameOfHistoryKey(key: Buffer): FileName {
  return key.toString('utf8', 0, key.length - 1 - INVERTED_BYTES) as FileName;
}

/** A row of `history`. */
export interface PastVersion extends KeptVersion {
  /** When it was overwritten or deleted, in milliseconds since 1970. */
  readonly ended: number;
  /** Counts up with each version of the store that is overwritten or deleted. */
  readonly sequence: number;
}

const PAST_BYTES = DIGEST_BYTES + 6 + 6 + 6;

export function encodePast(past: PastVersion): Buffer {
  const value = Buffer.allocUnsafe(PAST_BYTES + (past.deletion === undefined ? 0 : 6));
  value.write(past.digest, 0, 'hex');
  value.writeUIntBE(past.size, DIGEST_BYTES, 6);
  value.writeUIntBE(past.ended, DIGEST_BYTES + 6, 6);
  value.writeUIntBE(past.sequence, DIGEST_BYTES + 12, 6);
  if (past.deletion !== undefined) value.writeUIntBE(past.deletion, PAST_BYTES, 6);
  return value;
}

export function decodePast(key: Buffer, value: Buffer): PastVersion {
  return {
    name: nameOfHistoryKey(key),
    version: (MAX_UINT48 - key.readUIntBE(key.length - INVERTED_BYTES, INVERTED_BYTES)) as Version,
    digest: value.toString('hex', 0, DIGEST_BYTES) as Digest,
    size: value.readUIntBE(DIGEST_BYTES, 6),
    ended: value.readUIntBE(DIGEST_BYTES + 6, 6),
    sequence: value.readUIntBE(DIGEST_BYTES + 12, 6),
    deletion: value.length > PAST_BYTES ? (value.readUIntBE(PAST_BYTES, 6) as Version) : undefined,
  };
}

/** Key of a kept version in `ended`. */
export function endedKey({ ended, sequence }: Pick<PastVersion, 'ended' | 'sequence'>): Buffer {
  const key = Buffer.allocUnsafe(12);
  key.writeUIntBE(ended, 0, 6);
  key.writeUIntBE(sequence, 6, 6);
  return key;
}

/** The moment that a key in `ended` begins with. */
export function endedOfKey(key: Buffer): number {
  return key.readUIntBE(0, 6);
}

export function encodeFile(file: FileRecord): Buffer {
  const value = Buffer.allocUnsafe(FILE_BYTES);
  value.writeUIntBE(file.version, 0, 6);
  value.write(file.digest, 6, 'hex');
  value.writeUIntBE(file.size, 6 + DIGEST_BYTES, 6);
  return value;
}

export function decodeFile(name: FileName, value: Buffer): FileRecord {
  return {
    name,
    version: value.readUIntBE(0, 6) as Version,
    digest: value.toString('hex', 6, 6 + DIGEST_BYTES) as Digest,
    size: value.readUIntBE(6 + DIGEST_BYTES, 6),
  };
}

export function digestKey(digest: Digest): Buffer {
  return Buffer.from(digest, 'hex');
}

/** A row of `contents`. */
export interface ContentRecord {
  readonly references: number;
  /** Length of the plain content in bytes. */
  readonly size: number;
  /** Length of the stored copy in bytes. */
  readonly storedSize: number;
  readonly location: ContentLocation;
}

const CONTENT_HEADER_BYTES = 19;

/** A content's count of references stands first in its row, and so many bytes long. */
export const REFERENCES_BYTES = 6;

const PLACE_BLOB = 0;
const PLACE_INLINE_RAW = 1;
const PLACE_INLINE_ZSTD = 2;

export function encodeContent({ references, size, storedSize, location }: ContentRecord): Buffer {
  const rest = location.kind === 'blob' ? Buffer.from(location.blob) : location.bytes;
  const value = Buffer.allocUnsafe(CONTENT_HEADER_BYTES + rest.byteLength);
  value.writeUIntBE(references, 0, 6);
  value.writeUIntBE(size, 6, 6);
  value.writeUIntBE(storedSize, 12, 6);
  value[18] = placeOf(location);
  value.set(rest, CONTENT_HEADER_BYTES);
  return value;
}

function placeOf(location: ContentLocation): number {
  if (location.kind === 'blob') return PLACE_BLOB;
  return location.encoding === 'raw' ? PLACE_INLINE_RAW : PLACE_INLINE_ZSTD;
}

export function decodeContent(value: Buffer): ContentRecord {
  const storedSize = value.readUIntBE(12, 6);
  return {
    references: value.readUIntBE(0, 6),
    size: value.readUIntBE(6, 6),
    storedSize,
    location: decodeLocation(value, storedSize),
  };
}

function decodeLocation(value: Buffer, storedSize: number): ContentLocation {
  const place = value[18];
  if (place === PLACE_BLOB) {
    return { kind: 'blob', blob: value.toString('utf8', CONTENT_HEADER_BYTES) as BlobId, storedSize };
  }
  if (place !== PLACE_INLINE_RAW && place !== PLACE_INLINE_ZSTD) {
    throw new Error(`unknown place ${place} of a content`);
  }
  const bytes = value.subarray(CONTENT_HEADER_BYTES);
  return { kind: 'inline', encoding: place === PLACE_INLINE_RAW ? 'raw' : 'zstd', bytes };
}

export function encodeVersion(version: Version): Buffer {
  const value = Buffer.allocUnsafe(6);
  value.writeUIntBE(version, 0, 6);
  return value;
}

/** Numbers of up to 2^53, 8 bytes each. */
export function encodeNumbers(numbers: readonly number[]): Buffer {
  const value = Buffer.allocUnsafe(numbers.length * 8);
  for (const [index, number] of numbers.entries()) {
    value.writeUInt32BE(Math.floor(number / 2 ** 32), index * 8);
    value.writeUInt32BE(number % 2 ** 32, index * 8 + 4);
  }
  return value;
}

/** Reads what {@link encodeNumbers} wrote; what is missing is 0. */
export function decodeNumbers(value: Buffer | undefined): (index: number) => number {
  return (index) =>
    value && value.length >= (index + 1) * 8
      ? value.readUInt32BE(index * 8) * 2 ** 32 + value.readUInt32BE(index * 8 + 4)
      : 0;
}

/** A row of `usage`. */
export interface UsageRecord {
  readonly files: number;
  readonly bytes: number;
  /** Files with this key in `files`, or a later one, are yet to be counted; `undefined` when all are. */
  readonly countedTo: Buffer | undefined;
}

/** Key of a directory in `usage`. */
export function usageKey(directory: DirectoryName): Buffer {
  return Buffer.from(`/${directory}`);
}

/** The directory that a key in `usage` holds. */
export function directoryOfUsageKey(key: Buffer): DirectoryName {
  return key.toString('utf8', 1) as DirectoryName;
}

const USAGE_BYTES = 16;

export function encodeUsage({ files, bytes, countedTo = Buffer.alloc(0) }: UsageRecord): Buffer {
  return Buffer.concat([encodeNumbers([files, bytes]), countedTo]);
}

export function decodeUsage(value: Buffer): UsageRecord {
  const at = decodeNumbers(value);
  const countedTo = value.length > USAGE_BYTES ? Buffer.from(value.subarray(USAGE_BYTES)) : undefined;
  return { files: at(0), bytes: at(1), countedTo };
}
