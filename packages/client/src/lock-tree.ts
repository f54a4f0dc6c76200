import { closeSync, constants, openSync, readdirSync, rmdirSync, statSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeDirectory, tryLock } from '@filetracker/durable-fs';
import type { FileName } from '@filetracker/protocol';

// The functions here change the tree of lock files. Call them only while holding its tree.lock.

/**
 * Opens the lock file of a name, and makes it with its directories where they are missing. Lock files outlive
 * the names they were made for; unused ones that stand in the way (a file that has become a directory, or the
 * other way round) are removed.
 */
export function openLockFile(root: string, name: FileName): number {
  const path = join(root, name);
  try {
    return makeAndOpen(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EISDIR') removeUnusedBelow(path);
    else if (code === 'ENOTDIR' || code === 'EEXIST') removeUnusedAbove(root, name);
    else throw error;
  }
  return makeAndOpen(path);
}

/** Removes the lock file of a name and the directories that this empties. */
export function removeLockFile(root: string, name: FileName): void {
  unlinkSync(join(root, name));
  let directory = dirname(name);
  while (directory !== '.') {
    try {
      rmdirSync(join(root, directory));
    } catch {
      return; // Not empty: still in use.
    }
    directory = dirname(directory);
  }
}

function makeAndOpen(path: string): number {
  makeDirectory(dirname(path));
  return openSync(path, constants.O_RDONLY | constants.O_CREAT);
}

/** Removes a directory of lock files as far as nobody holds them. */
function removeUnusedBelow(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) removeUnusedBelow(path);
    else removeUnused(path);
  }
  rmdirSync(directory);
}

/** Removes the lock file that stands where a name needs a directory, unless somebody holds it. */
function removeUnusedAbove(root: string, name: FileName): void {
  let path = root;
  for (const component of name.split('/')) {
    path = join(path, component);
    const found = statSync(path, { throwIfNoEntry: false });
    if (found?.isFile()) removeUnused(path);
    if (!found?.isDirectory()) return;
  }
}

function removeUnused(path: string): void {
  const fd = openSync(path, constants.O_RDONLY);
  try {
    if (tryLock(fd, 'exclusive')) unlinkSync(path);
  } finally {
    closeSync(fd);
  }
}
