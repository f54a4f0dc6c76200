import { constants } from 'node:fs';
import { access, copyFile, link, open, realpath, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeDirectory, removeIfPresent, temporaryName, writeAtomically } from '@filetracker/durable-fs';
import type { FileStat, OpenedFile, TransferOptions } from './data-store.js';
import { DestinationError } from './errors.js';
import { markSourceFailures, SourceFailure, watched } from './transfer.js';

/** A checked place to save a file to. */
export interface Destination {
  readonly path: string;
  /** `special` is a pipe or device: written through, never replaced. */
  readonly kind: 'file' | 'special';
}

/**
 * Checks a place to save to before anything is transferred. A symbolic link means what it points to. Directories above
 * it may be missing: they are made once there is something to write, as the Python client does. Throws
 * `DestinationError` for a directory, and below what is no directory or not writable.
 */
export async function checkDestination(path: string): Promise<Destination> {
  try {
    const found = await stat(path).catch(ignoreMissing);
    if (found?.isDirectory()) throw new Error('it is a directory');
    if (found && !found.isFile()) return { path, kind: 'special' };
    const target = found ? await realpath(path) : path;
    await checkParent(dirname(target));
    return { path: target, kind: 'file' };
  } catch (error) {
    throw new DestinationError(path, error);
  }
}

/** Throws where nothing can be made in a directory, or where it, being missing, cannot be made. */
async function checkParent(directory: string): Promise<void> {
  const found = await stat(directory).catch(ignoreMissing);
  const parent = dirname(directory);
  if (!found && parent !== directory) return checkParent(parent);
  if (!found?.isDirectory()) throw new Error(`${directory} is not a directory`);
  await access(directory, constants.W_OK);
}

function makeParent(path: string): void {
  try {
    makeDirectory(dirname(path));
  } catch (error) {
    throw new DestinationError(path, error);
  }
}

/** Writes an opened file's content to a destination, atomically where that is a file. */
export async function writeDestination(
  { path, kind }: Destination,
  { stat: { size, version }, stream }: OpenedFile,
  options: TransferOptions,
): Promise<void> {
  const source = markSourceFailures(() => watched(stream, size, options));
  try {
    if (kind === 'file') {
      makeParent(path);
      await writeAtomically(path, (handle) => writeFile(handle, source), {
        durable: false,
        finish: (handle) => handle.utimes(version, version),
      });
    } else {
      await writeSpecial(path, source);
    }
  } catch (error) {
    if (error instanceof DestinationError) throw error;
    throw error instanceof SourceFailure ? error.cause : new DestinationError(path, error);
  } finally {
    stream.destroy();
  }
}

async function writeSpecial(path: string, source: AsyncIterable<Uint8Array>): Promise<void> {
  const handle = await open(path, 'w');
  try {
    await writeFile(handle, source);
  } finally {
    await handle.close();
  }
}

/**
 * Gives a store's own file a second name at a destination, or copies it where hard links cannot reach. `check` looks
 * at the file, and at the new one again before it takes the destination's name; what it throws is thrown and nothing
 * changes.
 */
export async function linkDestination(
  source: string,
  { path }: Destination,
  check: (linked: string) => Promise<FileStat>,
): Promise<FileStat> {
  await check(source);
  makeParent(path);
  const temporary = join(dirname(path), temporaryName());
  try {
    const linked = await link(source, temporary).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') throw error;
        return false;
      },
    );
    if (!linked) await copyFile(source, temporary, constants.COPYFILE_FICLONE);
    const found = await check(linked ? temporary : source);
    if (!linked) await utimes(temporary, found.version, found.version);
    await rename(temporary, path).catch((error: unknown) => {
      throw new DestinationError(path, error);
    });
    return found;
  } finally {
    // rename(2) does nothing, and succeeds, where both names are links to the same file already.
    await removeIfPresent(temporary);
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
