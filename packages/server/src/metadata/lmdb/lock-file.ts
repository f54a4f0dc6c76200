import { closeSync, existsSync, linkSync, openSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { overwriteInPlace, temporaryName } from '@filetracker/durable-fs';
import { LOCK_FILE } from './layout.js';

/** Room for the readers that the environment is opened for, in bytes; LMDB uses all of it. */
const LOCK_FILE_BYTES = 68 * 1024;

/**
 * Makes LMDB's table of readers with all its blocks, unless it is there. LMDB itself makes a file of holes and maps
 * it: where the disk is full, the first write to a hole ends the process with SIGBUS. Throws the errors of write(2).
 */
export function reserveLockFile(directory: string): void {
  const path = join(directory, LOCK_FILE);
  if (existsSync(path)) return;
  const temporary = join(directory, temporaryName());
  const fd = openSync(temporary, 'wx');
  try {
    overwriteInPlace(fd, directory);
    writeFileSync(fd, Buffer.alloc(LOCK_FILE_BYTES));
    // All at once: LMDB in another process must not find less, and nothing may be written below one that is in use.
    linkSync(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    closeSync(fd);
    unlinkSync(temporary);
  }
}
