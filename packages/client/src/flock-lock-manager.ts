import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type LockMode, makeDirectory, tryLock } from '@filetracker/durable-fs';
import type { FileName } from '@filetracker/protocol';
import type { CallOptions } from './data-store.js';
import { LocalStoreError } from './errors.js';
import type { Lock, LockManager } from './lock-manager.js';
import { LockQueue } from './lock-queue.js';
import { openLockFile, removeLockFile } from './lock-tree.js';

/** Longest pause between two attempts at a lock that another process holds, in milliseconds. */
const LONGEST_PAUSE = 50;

/** The file whose lock guards the tree of lock files itself. */
const TREE_LOCK = 'tree.lock';

/**
 * Locks by flock(2) on `<directory>/<name>`, seen by flock(1) and by Python Filetracker clients, which may use
 * the same directory at the same time. As there, `tree.lock` is held exclusively around every change of the
 * tree of lock files.
 *
 * A lock is asked for without waiting and asked for again after a pause: a blocking flock(2) would occupy one
 * of libuv's few threads, and as many waiting calls as there are threads would keep the holder from the thread
 * that it needs to finish.
 */
export class FlockLockManager implements LockManager {
  readonly #queue = new LockQueue();

  /** `directory` is made when it is first needed. */
  constructor(private readonly directory: string) {}

  async acquire(name: FileName, mode: LockMode, { signal }: CallOptions = {}): Promise<Lock> {
    await this.#queue.enter(name, mode, signal);
    try {
      const fd = await this.#lockFile(name, mode, signal);
      return this.#held(name, mode, fd);
    } catch (error) {
      this.#queue.leave(name, mode);
      if (signal?.aborted) throw error;
      throw new LocalStoreError(`cannot lock /${name} in ${this.directory}`, error);
    }
  }

  async tryAcquire(name: FileName, mode: LockMode): Promise<Lock | undefined> {
    if (!this.#queue.tryEnter(name, mode)) return undefined;
    let isTaken = false;
    try {
      const fd = await this.#underTreeLock(undefined, () => openLockFile(this.directory, name));
      try {
        // A lock file that somebody has just removed is one that somebody uses.
        isTaken = tryLock(fd, mode) && isStillAt(fd, join(this.directory, name));
      } finally {
        if (!isTaken) closeSync(fd);
      }
      return isTaken ? this.#held(name, mode, fd) : undefined;
    } catch (error) {
      throw new LocalStoreError(`cannot lock /${name} in ${this.directory}`, error);
    } finally {
      if (!isTaken) this.#queue.leave(name, mode);
    }
  }

  async isHeld(name: FileName): Promise<boolean> {
    let fd: number;
    try {
      fd = openSync(join(this.directory, name), constants.O_RDONLY);
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
      throw new LocalStoreError(`cannot look at the lock of /${name} in ${this.directory}`, error);
    }
    try {
      // A directory here holds the locks of names that are below what was a file once.
      return fstatSync(fd).isFile() && !tryLock(fd, 'exclusive');
    } finally {
      closeSync(fd);
    }
  }

  /** Opens and locks a name's lock file. */
  async #lockFile(name: FileName, mode: LockMode, signal: AbortSignal | undefined): Promise<number> {
    for (;;) {
      const fd = await this.#underTreeLock(signal, () => openLockFile(this.directory, name));
      let isTaken = false;
      try {
        await lockPatiently(fd, mode, signal);
        // Whoever deleted the file while this call waited has unlinked the lock file too: a lock on it would
        // exclude nobody who opens the name from now on.
        isTaken = isStillAt(fd, join(this.directory, name));
      } finally {
        if (!isTaken) closeSync(fd);
      }
      if (isTaken) return fd;
    }
  }

  #held(name: FileName, mode: LockMode, fd: number): Lock {
    const end = () => {
      // Closing the only descriptor of the lock gives it back.
      closeSync(fd);
      this.#queue.leave(name, mode);
    };
    return {
      release: async () => end(),
      discard: async () => {
        try {
          if (mode === 'exclusive' && name !== TREE_LOCK) {
            await this.#underTreeLock(undefined, () => removeLockFile(this.directory, name));
          }
        } catch {
          // A lock file that stays is harmless; the lock must be given back in any case.
        } finally {
          end();
        }
      },
    };
  }

  /** Runs a short, synchronous change of the tree of lock files while nobody else changes it. */
  async #underTreeLock<T>(signal: AbortSignal | undefined, change: () => T): Promise<T> {
    makeDirectory(this.directory);
    const fd = openSync(join(this.directory, TREE_LOCK), constants.O_RDONLY | constants.O_CREAT);
    try {
      await lockPatiently(fd, 'exclusive', signal);
      return change();
    } finally {
      closeSync(fd);
    }
  }
}

/** Takes a lock as soon as nobody else holds a conflicting one. */
async function lockPatiently(fd: number, mode: LockMode, signal: AbortSignal | undefined): Promise<void> {
  for (let pause = 1; !tryLock(fd, mode); pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    // The random part keeps several waiting processes from asking in step.
    await sleep(pause * (0.5 + Math.random()), undefined, signal ? { signal } : {}).catch(
      (error: unknown) => {
        signal?.throwIfAborted();
        throw error;
      },
    );
  }
}

function isStillAt(fd: number, path: string): boolean {
  try {
    const there = statSync(path);
    const held = fstatSync(fd);
    return there.ino === held.ino && there.dev === held.dev;
  } catch {
    return false;
  }
}
