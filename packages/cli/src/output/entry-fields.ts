import { type Attributes, entryType } from '@filetracker/catalog/reports';
import { formatVersion } from './format.js';
import type { Result } from './output.js';

/** What a row for programs says of a file; 64-bit numbers, which JSON readers round, are strings. */
export function attributeFields(attributes: Attributes) {
  const { mode, uid, gid, links, device, inode, size, allocated, mtimeNs, ctimeNs } = attributes;
  return {
    type: entryType(mode),
    mode: (mode & 0o7777).toString(8).padStart(4, '0'),
    uid,
    gid,
    links,
    device,
    inode: BigInt.asUintN(64, inode).toString(),
    size,
    allocated,
    mtimeNs: mtimeNs.toString(),
    ctimeNs: ctimeNs.toString(),
  };
}

/** What reports add to the attributes of a file; a field that is undefined is left out of the row. */
interface EntryExtras {
  readonly files?: number;
  readonly bytes?: number;
  readonly fingerprint?: string | null;
  /** Whether the times are known. */
  readonly hasTimes?: boolean;
}

/**
 * The row of a file in long listings: fields of its path, and what is known of it. Written as one literal, since
 * spreading objects or setting fields one by one takes 11 µs instead of 0.1.
 */
export function entryRow(path: Result, attributes: Attributes, extras: EntryExtras): Result {
  const { type, mode, uid, gid, links, device, inode, size, allocated, mtimeNs, ctimeNs } =
    attributeFields(attributes);
  const { files, bytes, fingerprint, hasTimes = true } = extras;
  return {
    path: path['path'],
    pathBase64: path['pathBase64'],
    files,
    bytes,
    type,
    mode,
    uid,
    gid,
    links,
    device,
    inode,
    size,
    allocated,
    mtimeNs: hasTimes ? mtimeNs : null,
    ctimeNs: hasTimes ? ctimeNs : null,
    fingerprint,
  };
}

/** A time in nanoseconds since 1970 as a local date and time, to the second. */
export function formatNanoseconds(time: bigint): string {
  return formatVersion(Math.floor(Number(time / 1_000_000n) / 1000));
}
