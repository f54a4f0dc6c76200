import type { LockMode } from '@filetracker/durable-fs';
import type { FileName } from '@filetracker/protocol';
import type { CallOptions } from './data-store.js';

/** A lock that is held until one of its methods is called. Both may be called once. */
export interface Lock {
  /** Gives the lock back. */
  release(): Promise<void>;
  /** Gives the lock back and removes what it left on disk, as its name is not used any more. */
  discard(): Promise<void>;
}

/**
 * Keeps users of one cache, in this process and others, out of each other's way. Any number of them hold the
 * shared lock of a name, or one the exclusive lock. Locks end with the process that holds them.
 * `test/conformance/lock-manager.ts` checks every implementation that locks.
 */
export interface LockManager {
  /**
   * Waits for a lock. Within a process, waiting is first come, first served. Throws the signal's reason when
   * aborted, and `LocalStoreError` where locks cannot be taken at all.
   */
  acquire(name: FileName, mode: LockMode, options?: CallOptions): Promise<Lock>;

  /**
   * Takes a lock if nobody is in the way; undefined otherwise. Throws `LocalStoreError` where locks cannot be taken
   * at all.
   */
  tryAcquire(name: FileName, mode: LockMode): Promise<Lock | undefined>;

  /**
   * Whether anybody holds a lock of a name at this moment. Changes nothing, also on disk. Throws `LocalStoreError`
   * where that cannot be looked at.
   */
  isHeld(name: FileName): Promise<boolean>;
}
