import { type Attributes, entryType } from '@filetracker/catalog';
import { formatVersion } from './format.js';
import type { Result } from './output.js';

/** What a row for programs says of a file; 64-bit numbers, which JSON readers round, are strings. */
export function attributeFields(attributes: Attributes): Result {
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

/** A time in nanoseconds since 1970 as a local date and time, to the second. */
export function formatNanoseconds(time: bigint): string {
  return formatVersion(Math.floor(Number(time / 1_000_000n) / 1000));
}
