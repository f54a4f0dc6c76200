import { type ByteName, nameFromBytes } from '../byte-path.js';
import type { Attributes } from '../entry.js';
import { bytesOf, fieldsOf, type LineColumns } from './text-lines.js';

/*
 * Files of a directory as one row, whose fields have the files in the same order:
 *
 *     names    hexadecimal, with 2F between: the one byte that no name has
 *     details  lines of the columns below (text-lines.ts), a newline between
 */

/** What a line of details has. */
export const DETAILS: LineColumns = {
  plain: [
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
    'device',
  ],
  bytes: ['fingerprint'],
};

/** What is wanted of the files of each directory. */
export type FileGroupField = 'names' | 'details';

/** The names of a group. */
export function namesOf(text: string): ByteName[] {
  return nameFromBytes(Buffer.from(text, 'hex')).split('/') as ByteName[];
}

/** The lines of a group's details. */
export function linesOf(text: string): string[] {
  return text.split('\n');
}

/** What a line of details says; the device is `home` where the line names none. */
export function parseDetails(
  line: string,
  home: number,
): Attributes & { readonly fingerprint: Buffer | null } {
  const [
    mode,
    uid,
    gid,
    links,
    inode = '',
    size,
    allocated,
    mtime = '',
    ctime = '',
    born,
    device,
    fingerprint,
  ] = fieldsOf(line);
  return {
    mode: Number(mode),
    uid: Number(uid),
    gid: Number(gid),
    links: Number(links),
    device: device ? Number(device) : home,
    inode: BigInt(inode),
    size: Number(size),
    allocated: Number(allocated),
    mtimeNs: BigInt(mtime),
    ctimeNs: BigInt(ctime),
    bornNs: born ? BigInt(born) : null,
    fingerprint: bytesOf(fingerprint),
  };
}
