import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { toVersion } from '@filetracker/protocol';
import { FileNotFoundError, LocalStoreError } from '../errors.js';
import { FlockLockManager } from '../flock-lock-manager.js';
import { LocalDataStore } from '../local-data-store.js';
import type { LockManager } from '../lock-manager.js';
import { AgeTable, type Cut } from './age-table.js';
import { type CachedFile, cachedFiles, look } from './cached-files.js';

/** What goes first. */
export type CleaningPolicy =
  /** The oldest versions; of equal ones the largest files. */
  | 'version'
  /** What was not read for the longest time, as far as the file system notes access times. */
  | 'access';

/** How caches are cleaned. */
export interface CleanOptions {
  /** Nothing is removed until the caches together exceed this, in bytes. */
  readonly limit: number;
  /** How much of the limit is left then, in per cent. Default 50. */
  readonly keepPercent?: number;
  /** Default `version`. */
  readonly policy?: CleaningPolicy;
  /** Remove nothing, but tell what would be removed. Default false. */
  readonly dryRun?: boolean;
  /** Told of each file that is removed. */
  readonly onRemoved?: (file: CachedFile, directory: string) => void;
  /** Told of each file that should go and cannot be removed; the others go all the same. */
  readonly onFailed?: (file: CachedFile, directory: string, error: LocalStoreError) => void;
  /**
   * Told of each directory of a cache that cannot be read: its files are not counted, and stay. Without it the first
   * one ends the cleaning, with the error of the file system.
   */
  readonly onUnreadable?: (path: string, error: Error) => void;
  readonly signal?: AbortSignal | undefined;
}

/** What was found and done. */
export interface CleanResult {
  /** Files and bytes before. */
  readonly files: number;
  readonly bytes: number;
  readonly removedFiles: number;
  readonly removedBytes: number;
  /** Files that should have gone but that a client was using. */
  readonly usedFiles: number;
  /** Files that should have gone but could not be removed. */
  readonly failedFiles: number;
  /** Directories that could not be read. */
  readonly failedDirectories: number;
}

/** A cache and its locks. */
export interface Cache {
  readonly store: LocalDataStore;
  readonly locks: LockManager;
}

/** The cache in a directory, with the locks that all its clients take unless told otherwise. */
export function cacheIn(directory: string): Cache {
  return {
    store: new LocalDataStore(directory),
    locks: new FlockLockManager(join(directory, 'locks')),
  };
}

/**
 * Whether a directory is the cache of a client, also of a Python client, or may become one, as it has nothing in it yet.
 * Also true of one that cannot be read, since nobody knows.
 */
export async function mayBeCache(directory: string): Promise<boolean> {
  const entries = await readdir(directory).catch(() => []);
  const others = entries.filter((entry) => entry !== 'tmp' && entry !== 'lost+found');
  return others.length === 0 || ['files', 'locks'].some((part) => others.includes(part));
}

/** Files that are removed at once. */
const REMOVALS = 8;

/**
 * Removes files until several caches together take no more than a part of a limit, if they exceed that limit. Files
 * that a client of a cache has locked stay; those that vanish meanwhile are fine. Memory: 16 bytes a file.
 */
export async function cleanCaches(caches: readonly Cache[], options: CleanOptions): Promise<CleanResult> {
  const { limit, keepPercent = 50, policy = 'version', signal } = options;
  const table = new AgeTable();
  const unreadable = new Set<string>();
  // Told once, although every cache is gone through twice.
  const { onUnreadable } = options;
  const onFound =
    onUnreadable &&
    ((path: string, error: Error) => {
      if (!unreadable.has(path)) onUnreadable(path, error);
      unreadable.add(path);
    });
  for (const { store } of caches) {
    for await (const chunk of cachedFiles(store.directory, signal, onFound)) {
      for (const file of chunk) table.add(ageOf(file, policy), file.size);
    }
  }
  const counts = { removedFiles: 0, removedBytes: 0, usedFiles: 0, failedFiles: 0 };
  if (table.bytes > limit) {
    const choice = new Choice(table.choose(table.bytes - (limit * keepPercent) / 100), policy);
    for (const cache of caches)
      await cleanCache(cache, choice, { ...options, ...(onFound && { onUnreadable: onFound }) }, counts);
  }
  return { files: table.files, bytes: table.bytes, ...counts, failedDirectories: unreadable.size };
}

function ageOf(file: CachedFile, policy: CleaningPolicy): number {
  return policy === 'version' ? file.version : file.accessed;
}

/** Recognizes the files that were chosen, when they are seen again. */
class Choice {
  #leftOfSize: number;

  constructor(
    private readonly cut: Cut,
    private readonly policy: CleaningPolicy,
  ) {
    this.#leftOfSize = cut.count;
  }

  holds(file: CachedFile): boolean {
    const age = ageOf(file, this.policy);
    if (age !== this.cut.time) return age < this.cut.time;
    if (file.size !== this.cut.size) return file.size > this.cut.size;
    return this.#leftOfSize-- > 0;
  }

  /** Whether a file is still what it was when it was chosen. */
  isSame(before: CachedFile, now: CachedFile): boolean {
    return before.version === now.version && ageOf(before, this.policy) === ageOf(now, this.policy);
  }
}

async function cleanCache(
  cache: Cache,
  choice: Choice,
  { dryRun = false, onRemoved, onFailed, onUnreadable, signal }: CleanOptions,
  counts: { removedFiles: number; removedBytes: number; usedFiles: number; failedFiles: number },
): Promise<void> {
  const failed = (file: CachedFile, error: unknown): 'failed' => {
    if (!(error instanceof LocalStoreError)) throw error;
    counts.failedFiles++;
    onFailed?.(file, cache.store.directory, error);
    return 'failed';
  };
  const removeOne = async (file: CachedFile) => {
    const removing = dryRun ? wouldRemove(cache, file) : remove(cache, file, choice);
    const outcome = await removing.catch((error: unknown) => failed(file, error));
    if (outcome === 'used') counts.usedFiles++;
    if (outcome !== 'removed') return;
    counts.removedFiles++;
    counts.removedBytes += file.size;
    onRemoved?.(file, cache.store.directory);
  };
  for await (const chunk of cachedFiles(cache.store.directory, signal, onUnreadable)) {
    const chosen = chunk.filter((file) => choice.holds(file));
    for (let at = 0; at < chosen.length; at += REMOVALS) {
      await Promise.all(chosen.slice(at, at + REMOVALS).map(removeOne));
    }
  }
}

async function wouldRemove({ locks }: Cache, { name }: CachedFile): Promise<'removed' | 'used'> {
  return (await locks.isHeld(name)) ? 'used' : 'removed';
}

async function remove(
  { store, locks }: Cache,
  file: CachedFile,
  choice: Choice,
): Promise<'removed' | 'used' | 'changed'> {
  const lock = await locks.tryAcquire(file.name, 'exclusive');
  if (!lock) return 'used';
  let isRemoved = false;
  try {
    const now = look(store.directory, file.name);
    if (!now || !choice.isSame(file, now)) return 'changed';
    await store.delete(file.name, toVersion(now.version));
    isRemoved = true;
    return 'removed';
  } catch (error) {
    if (error instanceof FileNotFoundError) return 'changed';
    throw error;
  } finally {
    await (isRemoved ? lock.discard() : lock.release());
  }
}
