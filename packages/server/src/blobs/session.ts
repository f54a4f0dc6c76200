import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { removeIfPresent, tryLock } from '@filetracker/durable-fs';

const LOCK_NAME = 'lock';

/**
 * A directory below `tmp/` that belongs to one running process. The process holds a flock(2) lock in it for as
 * long as it lives, so any other process can tell a crashed writer's directory from a living one's.
 */
export class Session {
  private constructor(
    readonly directory: string,
    private readonly lock: FileHandle,
  ) {}

  /** Makes a session below `parent`, which must exist. */
  static async create(parent: string): Promise<Session> {
    for (;;) {
      const directory = join(parent, `${process.pid}-${randomBytes(6).toString('hex')}`);
      await mkdir(directory);
      const lock = await open(join(directory, LOCK_NAME), 'wx').catch(ignoreMissing);
      // Another process that swept before the lock was taken has removed the directory: try a new one.
      if (lock && tryLock(lock.fd, 'exclusive') && (await lock.stat()).nlink > 0) {
        return new Session(directory, lock);
      }
      await lock?.close();
    }
  }

  /** The files that crashed processes left in their session directories. */
  static async *abandoned(parent: string): AsyncGenerator<{ directory: string; files: string[] }> {
    for (const entry of await readdir(parent)) {
      const directory = join(parent, entry);
      const lock = await open(join(directory, LOCK_NAME), 'r').catch(ignoreMissing);
      try {
        if (lock && !tryLock(lock.fd, 'exclusive')) continue;
        const files = await readdir(directory).catch(ignoreMissing);
        if (files) yield { directory, files: files.filter((file) => file !== LOCK_NAME) };
      } finally {
        await lock?.close();
      }
    }
  }

  /** Removes a session directory that {@link abandoned} yielded, once its files are dealt with. */
  static async remove(directory: string): Promise<void> {
    await removeIfPresent(join(directory, LOCK_NAME));
    try {
      await rmdir(directory);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Swept by another process, or not abandoned but just being made: see `create`.
      if (code !== 'ENOENT' && code !== 'ENOTEMPTY') throw error;
    }
  }

  async close(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
    await this.lock.close();
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
}
