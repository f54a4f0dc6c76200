import type { CallOptions, DataStore } from '../data-store.js';
import { UsageError } from '../errors.js';
import { LocalDataStore } from '../local-data-store.js';
import type { LockManager } from '../lock-manager.js';
import { type CleanOptions, type CleanResult, cleanCaches } from './clean.js';
import { type VerifiedFile, verifyCache } from './verify.js';

/** Looks after the cache of a client. */
export class CacheCare {
  constructor(
    private readonly local: DataStore | undefined,
    private readonly remote: DataStore | undefined,
    private readonly locks: LockManager,
  ) {}

  /** Removes the oldest files if the cache is too large. Throws `UsageError` where there is no cache directory. */
  clean(options: CleanOptions): Promise<CleanResult> {
    return cleanCaches([{ store: this.#directory(), locks: this.locks }], options);
  }

  /**
   * Compares the cached files with what the server has, and removes damaged ones. A file or directory that cannot be
   * read is told with the verdict `failed`; an error of the server ends it. Throws `UsageError` where there is no cache
   * directory or no server.
   */
  verify(options: CallOptions = {}): AsyncIterable<VerifiedFile> {
    if (!this.remote) throw new UsageError('only a server knows what the cached files should be');
    return verifyCache(this.#directory(), this.remote, this.locks, options);
  }

  #directory(): LocalDataStore {
    if (this.local instanceof LocalDataStore) return this.local;
    throw new UsageError('this client has no cache directory');
  }
}
