import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FileLock, removeIfPresent } from '@filetracker/durable-fs';

const LOCK_NAME = 'lock';

/**
 * A directory below `tmp/` that belongs to one running process. The process holds a flock(2) lock in it for as
 * long as it lives, so any other process can tell a crashed writer's directory from a living one's.
 */
export class Session {
  private constructor(
    readonly directory: string,
    private readonly lock: FileLock,
  ) {}

  /** Makes a session below `parent`, which must exist. */
  static async create(parent: string): Promise<Session> {
    for (;;) {
      const directory = join(parent, `${process.pid}-${randomBytes(6).toString('hex')}`);
      await mkdir(directory);
      const lock = takeLock(directory);
      // A process that swept before the lock was taken has removed the directory: try a new one.
      if (lock?.isLinked) return new Session(directory, lock);
      lock?.release();
    }
  }

  /** The files that crashed processes left in their session directories. */
  static async *abandoned(parent: string): AsyncGenerator<{ directory: string; files: string[] }> {
    for (const entry of await readdir(parent, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      const directory = join(parent, entry.name);
      const lock = takeLock(directory);
      if (!lock) continue;
      try {
        // Swept by another process between the opening of the lock and its taking.
        if (!lock.isLinked) continue;
        yield { directory, files: (await readdir(directory)).filter((file) => file !== LOCK_NAME) };
      } finally {
        lock.release();
      }
    }
  }

  /** Removes a session directory that {@link abandoned} yielded, once its files are dealt with. */
  static async remove(directory: string): Promise<void> {
    await removeIfPresent(join(directory, LOCK_NAME));
    try {
      await rmdir(directory);
    } catch (error) {
      // Not abandoned after all: its process was about to take the lock, and has made itself a new one.
      if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
    }
  }

  async close(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
    this.lock.release();
  }
}

/** The lock of a session directory; `undefined` when its process lives or the directory is gone. */
function takeLock(directory: string): FileLock | undefined {
  try {
    return FileLock.take(join(directory, LOCK_NAME), 'exclusive');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
