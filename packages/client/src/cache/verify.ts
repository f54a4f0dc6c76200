import { toVersion, versionedName } from '@filetracker/protocol';
import type { CallOptions, DataStore } from '../data-store.js';
import { VersionMismatchError } from '../errors.js';
import { digestOf } from '../expectations.js';
import type { LocalDataStore } from '../local-data-store.js';
import type { LockManager } from '../lock-manager.js';
import { withLastLock, withLock } from '../with-lock.js';
import { type CachedFile, cachedFiles } from './cached-files.js';

/** What a cached file was found to be. */
export interface VerifiedFile {
  /** The versioned name. */
  readonly name: string;
  readonly verdict: /** What the server has under this name and version. */
    | 'sound'
    /** Something else: it was removed from the cache. */
    | 'damaged'
    /** The server does not have this version any more, or does not tell digests. */
    | 'unknown';
}

/**
 * Compares every file of a cache with the digest that the server has for it, and removes those that are damaged, so
 * that they are fetched again.
 */
export async function* verifyCache(
  local: LocalDataStore,
  remote: DataStore,
  locks: LockManager,
  { signal }: CallOptions,
): AsyncGenerator<VerifiedFile> {
  for await (const chunk of cachedFiles(local.directory, signal)) {
    for (const file of chunk) {
      const name = versionedName(file.name, toVersion(file.version));
      const verdict = await verifyFile(local, remote, locks, file, signal);
      if (verdict) yield { name, verdict };
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
): Promise<VerifiedFile['verdict'] | undefined> {
  const version = toVersion(seen);
  const stored = await remote.stat(name, { version, signal }).catch((error: unknown) => {
    if (error instanceof VersionMismatchError) return undefined;
    throw error;
  });
  if (!stored?.digest) return 'unknown';
  const isSound = async () => {
    const cached = await local.stat(name);
    if (cached?.version !== version) return undefined;
    return (await digestOf(await local.open(name, { version, signal }))) === stored.digest;
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
