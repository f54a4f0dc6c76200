import { join } from 'node:path';
import { type Digest, type FileName, toVersion, versionedName } from '@filetracker/protocol';
import type { CallOptions, DataStore, ReadOptions } from '../data-store.js';
import { FileNotFoundError, LocalStoreError, VersionMismatchError } from '../errors.js';
import { digestOf } from '../expectations.js';
import type { LocalDataStore } from '../local-data-store.js';
import type { LockManager } from '../lock-manager.js';
import { withLastLock, withLock } from '../with-lock.js';
import { type CachedFile, cachedFiles } from './cached-files.js';

/** What a cached file was found to be. */
export type VerifiedFile =
  | {
      /** The versioned name. */
      readonly name: string;
      readonly verdict: /** What the server has under this name and version. */
        | 'sound'
        /** Something else: it was removed from the cache. */
        | 'damaged'
        /** The server does not have this version any more, or does not tell digests. */
        | 'unknown';
    }
  | {
      /** The versioned name; of a directory the name with a slash behind it, `/` for all of the cache. */
      readonly name: string;
      /** It could not be read, or not be removed although it is damaged. */
      readonly verdict: 'failed';
      readonly error: Error;
    };

/**
 * Compares every file of a cache with the digest that the server has for it, and removes those that are damaged, so
 * that they are fetched again. What cannot be read or removed is told among the others.
 */
export async function* verifyCache(
  local: LocalDataStore,
  remote: DataStore,
  locks: LockManager,
  { signal }: CallOptions,
): AsyncGenerator<VerifiedFile> {
  const unreadable: VerifiedFile[] = [];
  const onUnreadable = (path: string, cause: Error) => {
    const name = `${path.slice(join(local.directory, 'files').length)}/`;
    unreadable.push({ name, verdict: 'failed', error: new LocalStoreError(`cannot read ${path}`, cause) });
  };
  for await (const chunk of cachedFiles(local.directory, signal, onUnreadable)) {
    yield* unreadable.splice(0);
    for (const file of chunk) {
      const name = versionedName(file.name, toVersion(file.version));
      try {
        const verdict = await verifyFile(local, remote, locks, file, signal);
        if (verdict) yield { name, verdict };
      } catch (error) {
        // Gone, or replaced, in the middle.
        if (error instanceof FileNotFoundError || error instanceof VersionMismatchError) continue;
        if (!(error instanceof LocalStoreError)) throw error;
        yield { name, verdict: 'failed', error };
      }
    }
  }
}

/** Undefined for a file that is gone, or replaced, by now. */
async function verifyFile(
  local: LocalDataStore,
  remote: DataStore,
  locks: LockManager,
  { name, version: seen }: CachedFile,
  signal: AbortSignal | undefined,
): Promise<Exclude<VerifiedFile['verdict'], 'failed'> | undefined> {
  const version = toVersion(seen);
  const stored = await remote.stat(name, { version, signal }).catch((error: unknown) => {
    if (error instanceof VersionMismatchError) return undefined;
    throw error;
  });
  if (!stored?.digest) return 'unknown';
  const isSound = async () => {
    const cached = await local.stat(name);
    if (cached?.version !== version) return undefined;
    return (await cachedDigest(local, name, { version, signal })) === stored.digest;
  };
  const sound = await withLock(locks, name, 'shared', signal, isSound);
  if (sound === undefined) return undefined;
  if (sound) return 'sound';
  let isRemoved = false;
  await withLastLock(locks, name, signal, async () => {
    // Somebody else may have replaced it before the lock was there.
    if ((await isSound()) !== false) return;
    await local.delete(name, version);
    isRemoved = true;
  });
  return isRemoved ? 'damaged' : undefined;
}

async function cachedDigest(local: LocalDataStore, name: FileName, options: ReadOptions): Promise<Digest> {
  const opened = await local.open(name, options);
  try {
    return await digestOf(opened);
  } catch (error) {
    options.signal?.throwIfAborted();
    throw new LocalStoreError(`cannot read /${name} in the cache`, error);
  }
}
