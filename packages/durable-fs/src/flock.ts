import { constants } from 'node:os';
import { errno, libcFunction } from './libc.js';

/** Shared locks go together; an exclusive one goes with no other. */
export type LockMode = 'shared' | 'exclusive';

// Values of <sys/file.h>, the same on Linux, macOS and the BSDs.
const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const LOCK_UN = 8;

type Flock = (fd: number, operation: number) => number;

let flock: Flock | undefined;

function load(): Flock {
  flock ??= libcFunction('int flock(int fd, int operation)') as Flock;
  return flock;
}

/**
 * Takes a flock(2) lock on an open file without waiting; true when it was taken. A lock that this descriptor
 * already holds is converted. It ends with {@link unlock} or when the descriptor is closed, also by `kill -9`.
 */
export function tryLock(fd: number, mode: LockMode): boolean {
  const operation = (mode === 'shared' ? LOCK_SH : LOCK_EX) | LOCK_NB;
  const call = load();
  while (call(fd, operation) !== 0) {
    const code = errno();
    if (code === constants.errno.EWOULDBLOCK) return false;
    if (code !== constants.errno.EINTR) throw new Error(`flock failed with errno ${code}`);
  }
  return true;
}

/** Gives a lock back. */
export function unlock(fd: number): void {
  if (load()(fd, LOCK_UN) !== 0) throw new Error(`flock failed with errno ${errno()}`);
}
