import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Writes a directory's entries (names created, renamed or removed in it) to the disk. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes a file; one that is not there is fine. */
export async function removeIfPresent(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** A file name that no other call takes, in this process or another: short and hidden. */
export function temporaryName(): string {
  return `.${process.pid}-${randomBytes(6).toString('hex')}.tmp`;
}

/** Makes the content of a file durable that others have written. */
export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** How far {@link writeAtomically} goes before it returns. */
export interface AtomicWriteOptions {
  /** Survive a power cut: fsync the file and its directory. Default true. */
  readonly durable?: boolean;
  /** Called with the complete file before it takes its name, to set times or modes. */
  readonly finish?: (handle: FileHandle) => Promise<void>;
}

/**
 * Writes a file so that its name only ever shows the old content or the whole new one: a temporary file beside
 * it is filled by `fill`, synced and renamed. When anything throws, the temporary file is removed and the old
 * content stays. The directory must exist.
 */
export async function writeAtomically(
  path: string,
  fill: (handle: FileHandle) => Promise<void>,
  { durable = true, finish }: AtomicWriteOptions = {},
): Promise<void> {
  const temporary = join(dirname(path), temporaryName());
  try {
    const handle = await open(temporary, 'wx');
    try {
      await fill(handle);
      await finish?.(handle);
      if (durable) await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await removeIfPresent(temporary);
    throw error;
  }
  if (durable) await syncDirectory(dirname(path));
}
