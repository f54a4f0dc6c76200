import { closeSync, constants, fstatSync, readSync } from 'node:fs';
import { constants as system } from 'node:os';
import { Blake3Hasher } from '../blake3.js';
import { openPath } from './open-path.js';

/** A file to read, as the catalog knows it. Plain data: it travels to worker threads. */
export interface HashTask {
  /** Its path, as bytes in latin1. */
  readonly path: string;
  readonly size: number;
  readonly mtimeNs: bigint;
}

/** What came of reading a file. */
export type HashOutcome =
  /** Read to its end, and nothing changed meanwhile. */
  | { readonly kind: 'hashed'; readonly fingerprint: Uint8Array; readonly ctimeNs: bigint }
  /** Its size or modification time is not what the catalog knows: it was not read. */
  | { readonly kind: 'changed' }
  /** It changed while it was read. */
  | { readonly kind: 'changing' }
  /** It is not there, or no regular file any more. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'failed'; readonly errno: number };

const GONE: readonly number[] = [system.errno.ENOENT, system.errno.ENOTDIR, system.errno.ELOOP];

/**
 * Reads a file and computes BLAKE3 of its content. Blocks the thread. `onRead` is called with the bytes of each read
 * and may wait.
 */
export function hashFile(task: HashTask, buffer: Buffer, onRead: (bytes: number) => void): HashOutcome {
  let fd: number;
  try {
    // O_NONBLOCK: what became a FIFO meanwhile must not stop the thread.
    fd = openPath(task.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    return failure(error);
  }
  try {
    return hashOpened(fd, task, { buffer, onRead });
  } catch (error) {
    return failure(error);
  } finally {
    closeSync(fd);
  }
}

function hashOpened(
  fd: number,
  task: HashTask,
  { buffer, onRead }: { readonly buffer: Buffer; readonly onRead: (bytes: number) => void },
): HashOutcome {
  const before = fstatSync(fd, { bigint: true });
  if (!before.isFile()) return { kind: 'gone' };
  if (before.size !== BigInt(task.size) || before.mtimeNs !== task.mtimeNs) return { kind: 'changed' };
  const hasher = new Blake3Hasher();
  let total = 0n;
  for (;;) {
    const bytes = readSync(fd, buffer, 0, buffer.length, null);
    if (bytes === 0) break;
    hasher.update(buffer.subarray(0, bytes));
    total += BigInt(bytes);
    // A file that grows as fast as it is read would never end.
    if (total > before.size) return { kind: 'changing' };
    onRead(bytes);
  }
  const after = fstatSync(fd, { bigint: true });
  const isSame = after.mtimeNs === before.mtimeNs && after.ctimeNs === before.ctimeNs && total === after.size;
  if (!isSame) return { kind: 'changing' };
  return { kind: 'hashed', fingerprint: hasher.digestBuffer(), ctimeNs: after.ctimeNs };
}

function failure(error: unknown): HashOutcome {
  const { errno } = error as NodeJS.ErrnoException;
  if (errno === undefined) throw error;
  return GONE.includes(-errno) ? { kind: 'gone' } : { kind: 'failed', errno: -errno };
}
