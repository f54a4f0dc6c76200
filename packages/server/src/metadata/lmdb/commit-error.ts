import { open, statfs, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { temporaryName } from '@filetracker/durable-fs';
import { errnoName, isOutOfRoom, systemCode } from '@filetracker/durable-fs/system-code';

/** A change of the metadata did not reach the disk; nothing of it is stored. */
class CommitError extends Error {
  override readonly name = 'CommitError';

  constructor(
    /** Name of the errno(3), such as `ENOSPC`. */
    readonly code: string,
    override readonly cause: unknown,
  ) {
    super(`the metadata could not be written: ${code}`);
  }
}

/** lmdb is not known to withhold a reason, but a request must not hang on it: wait so many milliseconds. */
const REASON_TIME = 1000;

/** A disk with less room than this, in bytes, is the reason why a write failed. */
const FULL_BELOW_BYTES = 1024 * 1024;

/**
 * What a rejected transaction of lmdb means: a {@link CommitError} when its commit failed, else the error that
 * the transaction's callback threw. The reason is a promise in `commitError`, which ends the process as an
 * unhandled rejection if nobody awaits it.
 *
 * @param directory where the environment is
 */
export async function transactionError(error: unknown, directory: string): Promise<unknown> {
  const { commitError } = error as { readonly commitError?: Promise<never> };
  if (commitError === undefined) return error;
  const cause = await Promise.race([commitError.catch(asIs), setTimeout(REASON_TIME, error, { ref: false })]);
  return new CommitError(await codeOf(cause, directory), cause);
}

/** What an error means that a call of lmdb threw which waits for the disk: a {@link CommitError} if it has an errno(3). */
export async function synchronousError(error: unknown, directory: string): Promise<unknown> {
  const { code } = error as { readonly code?: unknown };
  // The number in the error of an aborted signal is no errno(3).
  return typeof code === 'number' && code > 0 && !(error instanceof DOMException)
    ? new CommitError(await codeOf(error, directory), error)
    : error;
}

/** What an error means with which LMDB could not be copied into a directory. It tells no errno(3). */
export async function copyError(error: unknown, directory: string): Promise<unknown> {
  const code = await lackOfRoom(directory);
  return code === undefined ? error : new CommitError(code, error);
}

function asIs(reason: unknown): unknown {
  return reason;
}

async function codeOf(cause: unknown, directory: string): Promise<string> {
  const { code } = cause as { readonly code?: unknown };
  const name = typeof code === 'number' && code > 0 ? errnoName(code) : 'EIO';
  // A write that came out short for want of room is EIO to LMDB.
  return name === 'EIO' ? ((await lackOfRoom(directory)) ?? name) : name;
}

/** `ENOSPC` or `EDQUOT` where that keeps a directory from taking more; undefined otherwise. */
async function lackOfRoom(directory: string): Promise<string | undefined> {
  try {
    const { bavail, bsize } = await statfs(directory);
    if (bavail * bsize < FULL_BELOW_BYTES) return 'ENOSPC';
    await tryRoom(directory);
  } catch (error) {
    if (isOutOfRoom(error)) return systemCode(error);
  }
  return undefined;
}

/** Takes that much room and gives it back: nothing else tells of a quota. */
async function tryRoom(directory: string): Promise<void> {
  const path = join(directory, temporaryName());
  const file = await open(path, 'wx');
  try {
    // It leaves nothing behind, whatever comes.
    await unlink(path);
    await file.writeFile(new Uint8Array(FULL_BELOW_BYTES));
    await file.sync();
  } finally {
    await file.close();
  }
}
