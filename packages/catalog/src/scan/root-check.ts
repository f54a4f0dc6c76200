import { lstatSync } from 'node:fs';
import { constants } from 'node:os';
import { type BytePath, toBytes } from '../byte-path.js';
import { CatalogError } from '../database/errors.js';
import { displayPath } from '../display-path.js';
import { errorWords } from '../linux/error-words.js';

/** What identifies a directory as long as it exists. */
export interface RootIdentity {
  readonly device: bigint;
  readonly inode: bigint;
}

/** Makes sure that a root is a directory. Throws {@link CatalogError} `root_unreadable`. */
export function checkRoot(root: BytePath): RootIdentity {
  try {
    const stat = lstatSync(toBytes(root), { bigint: true });
    if (!stat.isDirectory()) throw unreadableRoot(root, 'it is not a directory');
    return { device: stat.dev, inode: stat.ino };
  } catch (error) {
    if (error instanceof CatalogError) throw error;
    const { errno } = error as NodeJS.ErrnoException;
    throw unreadableRoot(root, errno === undefined ? String(error) : reasonOf(errno));
  }
}

/** Makes sure that a root is still the directory that it was. Throws {@link CatalogError} `root_unreadable`. */
export function checkSameRoot(root: BytePath, before: RootIdentity): void {
  const now = checkRoot(root);
  if (now.device === before.device && now.inode === before.inode) return;
  throw unreadableRoot(root, 'it was replaced or unmounted during the scan');
}

/** A root that cannot be scanned, with the reason. */
export function unreadableRoot(root: BytePath, reason: string): CatalogError {
  const message = `cannot scan ${displayPath(root)}: ${reason}; the catalog stays as it was`;
  return new CatalogError('root_unreadable', message);
}

/** Why a root without entries is not believed, where the catalog knows files in it. */
export function emptyRootReason(known: number): string {
  const files = known === 1 ? '1 file' : `${known} files`;
  return `is empty, but the catalog knows ${files} in it: is it mounted? (--allow-empty records them as removed)`;
}

/** Why a directory cannot be read, in words; the number may have either sign. */
export function reasonOf(errno: number): string {
  const { ENOENT, ENOTDIR } = constants.errno;
  const number = Math.abs(errno);
  if (number === ENOENT) return 'it does not exist';
  return number === ENOTDIR ? 'it is not a directory' : errorWords(number);
}
