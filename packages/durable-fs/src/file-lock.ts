import { closeSync, fstatSync, openSync } from 'node:fs';
import { type LockMode, tryLock } from './flock.js';

/**
 * A lock that this process holds on a file until `release` or its death. It keeps a bare descriptor and not a
 * `FileHandle`, which the garbage collector would close, and the lock with it.
 */
export class FileLock {
  private constructor(private readonly fd: number) {}

  /**
   * Takes a lock on a file, which is created if it is missing; `undefined` when another holder is in the way.
   * Throws the errors of open(2) and flock(2).
   */
  static take(path: string, mode: LockMode): FileLock | undefined {
    const fd = openOrCreate(path);
    let isTaken = false;
    try {
      isTaken = tryLock(fd, mode);
    } finally {
      if (!isTaken) closeSync(fd);
    }
    return isTaken ? new FileLock(fd) : undefined;
  }

  /** Whether the locked file still has a name: another process may have removed it before the lock was taken. */
  get isLinked(): boolean {
    return fstatSync(this.fd).nlink > 0;
  }

  release(): void {
    closeSync(this.fd);
  }
}

/** On a disk that is read-only a file can be locked all the same. */
function openOrCreate(path: string): number {
  try {
    return openSync(path, 'a');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EROFS') throw error;
    return openSync(path, 'r');
  }
}
