import { readFileSync } from 'node:fs';
import { type BytePath, isWithin } from '../byte-path.js';

/** The kernel's table of mounts; polling its descriptor tells when it changes. */
export const MOUNT_TABLE = '/proc/self/mountinfo';

/** One mount. */
export interface Mount {
  /** A number that no other mount has, at least while this one is there. */
  readonly id: string;
  readonly path: BytePath;
  /** Kind of file system, as the kernel names it: `ext4`, `nfs4`. */
  readonly type: string;
  /** Device of the file system, `major:minor`. */
  readonly device: string;
}

/** All mounts, in the order in which they were made: a later one hides an earlier one at the same place. */
function readMounts(table = readFileSync(MOUNT_TABLE, 'latin1')): readonly Mount[] {
  return table.split('\n').flatMap((line) => {
    // id parent major:minor root mountpoint options [tags…] - type source options; see proc(5)
    const [left = '', right = ''] = line.split(' - ');
    const fields = left.split(' ');
    const [id = '', , device, , path] = fields;
    const [type] = right.split(' ');
    if (device === undefined || path === undefined || !type) return [];
    return { id, device, path: unescape(path), type };
  });
}

/** The mount that shows a path, and those below it. */
export function mountsAround(
  root: BytePath,
  mounts: readonly Mount[] = readMounts(),
): { readonly own: Mount | undefined; readonly below: readonly Mount[] } {
  const holding = mounts.filter(({ path }) => isWithin(root, path));
  const longest = Math.max(...holding.map(({ path }) => path.length));
  const below = mounts.filter(({ path }) => path !== root && isWithin(path, root));
  return { own: holding.filter(({ path }) => path.length === longest).at(-1), below };
}

/** Spaces, tabs, newlines and backslashes are written as octal numbers. */
function unescape(path: string): BytePath {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  ) as BytePath;
}
