import type { Lock, LockManager } from './lock-manager.js';

/** Locks nothing: for stores that only one user touches at a time, such as those in memory. */
export class NoOpLockManager implements LockManager {
  async acquire(): Promise<Lock> {
    return { release: async () => {}, discard: async () => {} };
  }

  tryAcquire(): Promise<Lock> {
    return this.acquire();
  }

  async isHeld(): Promise<boolean> {
    return false;
  }
}
