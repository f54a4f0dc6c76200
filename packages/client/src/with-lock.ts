import type { LockMode } from '@filetracker/durable-fs';
import type { FileName } from '@filetracker/protocol';
import type { LockManager } from './lock-manager.js';

/** Runs an action while holding a name's lock. */
export async function withLock<T>(
  locks: LockManager,
  name: FileName,
  mode: LockMode,
  signal: AbortSignal | undefined,
  action: () => Promise<T>,
): Promise<T> {
  const lock = await locks.acquire(name, mode, { signal });
  try {
    return await action();
  } finally {
    await lock.release();
  }
}

/** Runs an action that ends the use of a name, with its exclusive lock; the lock's traces go with the name. */
export async function withLastLock(
  locks: LockManager,
  name: FileName,
  signal: AbortSignal | undefined,
  action: () => Promise<void>,
): Promise<void> {
  const lock = await locks.acquire(name, 'exclusive', { signal });
  try {
    await action();
  } catch (error) {
    await lock.release();
    throw error;
  }
  await lock.discard();
}
