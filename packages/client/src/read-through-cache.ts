import {
  type DirectoryName,
  type FileName,
  parseFileName,
  type SplitName,
  type Version,
} from '@filetracker/protocol';
import type { ClientParts } from './client-options.js';
import type { Content, DataStore, FileStat, TransferOptions } from './data-store.js';
import { FileNotFoundError, FileTrackerError, LocalStoreError, NameConflictError } from './errors.js';
import { digestOf } from './expectations.js';
import { type RetryPolicy, retrying, retryPolicy } from './http/retry.js';
import type { LockManager } from './lock-manager.js';
import { withLastLock, withLock } from './with-lock.js';

/** How a cached file is looked up. */
export interface LookupOptions extends TransferOptions {
  /** Fetch the content from the server even if the cache has the version. */
  readonly forceRefresh?: boolean | undefined;
}

/**
 * A local store as a cache of a remote one. The cache is an optimisation: when it fails (disk full, read-only),
 * its methods warn and resolve with undefined, and the caller asks the server itself.
 */
export class ReadThroughCache {
  readonly #locks: LockManager;
  readonly #policy: RetryPolicy;
  readonly #warn: (message: string) => void;

  constructor(
    private readonly local: DataStore,
    private readonly remote: DataStore,
    { locks, warn, retries }: Pick<ClientParts, 'locks' | 'warn' | 'retries'>,
  ) {
    this.#locks = locks;
    this.#warn = warn;
    this.#policy = retryPolicy(retries);
  }

  /**
   * Runs `use` on a version that the cache holds, without asking the server. Undefined where no version was
   * asked for or the cache does not hold it.
   */
  async hit<T>(
    { name, version }: SplitName,
    { forceRefresh, signal }: LookupOptions,
    use: () => Promise<T>,
  ): Promise<T | undefined> {
    if (version === undefined || forceRefresh) return undefined;
    return this.#tolerant(signal, () =>
      withLock(this.#locks, name, 'shared', signal, async () => {
        const cached = await this.local.stat(name, { signal });
        return cached?.version === version ? await use() : undefined;
      }),
    );
  }

  /**
   * Makes the cache hold what the server has, and runs `use` on it before anybody can change it. Undefined for a
   * version older than the cached one: an old version from a server's history must not push out the newer one.
   */
  async fresh<T>(
    wanted: SplitName,
    options: LookupOptions,
    use: (stat: FileStat) => Promise<T>,
  ): Promise<T | undefined> {
    return this.#tolerant(options.signal, () =>
      withLock(this.#locks, wanted.name, 'exclusive', options.signal, async () => {
        const cached = await this.local.stat(wanted.name, { signal: options.signal });
        if (wanted.version !== undefined && cached && cached.version > wanted.version) return undefined;
        const current = await this.#current(wanted, cached, options);
        return use(current ?? (await this.#download(wanted, options)));
      }),
    );
  }

  /** Runs `change` with the name locked; without a lock where locks fail. Tells it whether the cache is usable. */
  async exclusively<T>(
    name: FileName,
    signal: AbortSignal | undefined,
    change: (cacheUsable: boolean) => Promise<T>,
  ): Promise<T> {
    const lock = await this.#tolerant(signal, () => this.#locks.acquire(name, 'exclusive', { signal }));
    try {
      return await change(lock !== undefined);
    } finally {
      await lock?.release();
    }
  }

  /** Stores in the cache what was just put to the server. Call it with the name locked. */
  async keep(name: FileName, version: Version, content: Content): Promise<void> {
    await this.#tolerant(undefined, async () => {
      await this.#makeWay(name, version);
      try {
        await this.local.put(name, version, content);
      } catch (error) {
        if (!(error instanceof NameConflictError)) throw error;
        await this.#removeConflicts(name);
        await this.local.put(name, version, content);
      }
    });
  }

  /** Removes a file that is about to be deleted from the server. */
  async forget(name: FileName, version: Version | undefined, signal: AbortSignal | undefined): Promise<void> {
    await this.#tolerant(signal, () =>
      withLastLock(this.#locks, name, signal, async () => {
        const cached = await this.local.stat(name, { signal });
        if (cached && (version === undefined || cached.version === version)) {
          await this.local.delete(name, cached.version);
        }
      }),
    );
  }

  /** The cached file, if it is certain that the server would send the same. */
  async #current(
    wanted: SplitName,
    cached: FileStat | undefined,
    { forceRefresh, signal }: LookupOptions,
  ): Promise<FileStat | undefined> {
    if (forceRefresh || !cached) return undefined;
    // Somebody else has fetched the wanted version while this call waited for the lock.
    if (wanted.version !== undefined) return cached.version === wanted.version ? cached : undefined;
    const stored = await this.remote.stat(wanted.name, { signal });
    if (!stored) throw new FileNotFoundError(wanted.name);
    // The same version may have been written again with other content, and a cached file may be damaged: only an
    // equal digest says that the bytes are the same. Python servers do not send it.
    if (stored.version !== cached.version || stored.size !== cached.size || !stored.digest) return undefined;
    return (await digestOf(await this.local.open(wanted.name, { signal }))) === stored.digest
      ? cached
      : undefined;
  }

  async #download(wanted: SplitName, options: LookupOptions): Promise<FileStat> {
    return retrying(
      async () => {
        try {
          return await this.#downloadOnce(wanted, options);
        } catch (error) {
          if (!(error instanceof NameConflictError)) throw error;
          await this.#removeConflicts(wanted.name);
          return this.#downloadOnce(wanted, options);
        }
      },
      this.#policy,
      {
        signal: options.signal,
        onRetry: (error, pause) => this.#warn(`${error.message}; trying again in ${pause} ms`),
      },
    );
  }

  async #downloadOnce({ name, version }: SplitName, options: LookupOptions): Promise<FileStat> {
    const { stat, stream } = await this.remote.open(name, { version, signal: options.signal });
    try {
      await this.#makeWay(name, stat.version);
      await this.local.put(name, stat.version, { ...stat, open: () => stream }, options);
      return stat;
    } finally {
      stream.destroy();
    }
  }

  /** Removes a cached version that is newer than what the server has now: the server is right. */
  async #makeWay(name: FileName, version: Version): Promise<void> {
    const cached = await this.local.stat(name);
    if (cached && cached.version > version) await this.local.delete(name, cached.version);
  }

  /** Removes cached files that cannot exist beside a name any more: those below it, and one above it. */
  async #removeConflicts(name: FileName): Promise<void> {
    const above = name.split('/').slice(0, -1);
    for (let length = 1; length <= above.length; length++) {
      const cached = await this.local.stat(parseFileName(above.slice(0, length).join('/')));
      if (cached) return this.local.delete(cached.name, cached.version);
    }
    for await (const { name: below } of this.local.list(name satisfies DirectoryName)) {
      const cached = await this.local.stat(below);
      if (cached) await this.local.delete(below, cached.version);
    }
  }

  /** Turns a failure of the cache itself into a warning; everything else is the caller's. */
  async #tolerant<T>(signal: AbortSignal | undefined, action: () => Promise<T>): Promise<T | undefined> {
    try {
      return await action();
    } catch (error) {
      const ofCache = error instanceof LocalStoreError || !(error instanceof FileTrackerError);
      if (!ofCache || signal?.aborted) throw error;
      this.#warn(`going on without the cache: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  }
}
