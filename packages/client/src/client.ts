import {
  type FileName,
  parseDirectoryName,
  type SplitName,
  toVersion,
  type Version,
  versionedName,
} from '@filetracker/protocol';
import { CacheCare } from './cache/cache-care.js';
import { type ClientParts, composeClient, type FileTrackerClientOptions } from './client-options.js';
import type {
  FileStream,
  GetFileOptions,
  GetStreamOptions,
  ListOptions,
  ListRemoteOptions,
  LocalFile,
  PutFileOptions,
} from './client-types.js';
import type {
  CallOptions,
  Content,
  DataStore,
  DirectoryChild,
  FileStat,
  FileVersion,
  ListedFile,
  PutOptions,
  StoreListOptions,
  TransferOptions,
} from './data-store.js';
import { UsageError } from './errors.js';
import { expectStat } from './expectations.js';
import type { ChangesOptions, StoreChange } from './http/changes.js';
import { type NameArgument, parseNameArgument } from './name-argument.js';
import { type LookupOptions, ReadThroughCache } from './read-through-cache.js';
import { RemoteDataStore } from './remote-data-store.js';
import { prepareContent, type Source, storedContent } from './source.js';
import { withLastLock, withLock } from './with-lock.js';

/**
 * Keeps versioned files on a Filetracker server and in a local cache, and gets them back. One client serves any
 * number of concurrent calls, and any number of processes share a cache. {@link close} it when done.
 *
 * Names are `/a/b` or, for a certain version, `/a/b@1700000000`; see {@link NameArgument} for names that end
 * that way themselves. Besides what is said at each method, all throw `ProtocolError` for names that break the
 * rules, `ServerError` and `ConnectionError`, and the signal's reason when aborted.
 */
export class FileTrackerClient {
  readonly #parts: ClientParts;
  /** Looks after the local cache. */
  readonly cache: CacheCare;
  readonly #cache: ReadThroughCache | undefined;

  constructor(options: FileTrackerClientOptions = {}) {
    this.#parts = composeClient(options);
    const { local, remote } = this.#parts;
    this.cache = new CacheCare(local, remote, this.#parts.locks);
    this.#cache = local && remote && new ReadThroughCache(local, remote, this.#parts);
  }

  /**
   * Saves a file to a path and returns its versioned name. A version that is in the cache costs no request; a
   * name without a version is always looked up on the server, and downloaded unless the cache has the same
   * content. The path shows its old content or the whole new one; where possible it becomes a hard link to the
   * cached file. Directories above it that are missing are made. Throws `FileNotFoundError`, `VersionMismatchError`,
   * `DestinationError`, `ContentError`.
   */
  async getFile(name: NameArgument, saveTo: string, options: GetFileOptions = {}): Promise<string> {
    const wanted = parseNameArgument(name);
    const { version } = wanted;
    const { addToCache = true, signal, onProgress } = options;
    const fromLocal = (store: DataStore) => store.save(wanted.name, saveTo, { version, signal, onProgress });
    const saved =
      (await this.#cache?.hit(wanted, options, () => fromLocal(this.#local()))) ??
      (addToCache ? await this.#cache?.fresh(wanted, options, () => fromLocal(this.#local())) : undefined) ??
      (await this.#direct(wanted.name, signal, fromLocal));
    return versionedName(saved.name, saved.version);
  }

  /** Opens a file's content. Throws `FileNotFoundError` and `VersionMismatchError`. */
  async getStream(name: NameArgument, options: GetStreamOptions = {}): Promise<FileStream> {
    const wanted = parseNameArgument(name);
    const { version } = wanted;
    const { serveFromCache = false, signal } = options;
    const open = (store: DataStore) => store.open(wanted.name, { version, signal });
    const { stat, stream } =
      (await this.#cache?.hit(wanted, options, () => open(this.#local()))) ??
      (serveFromCache ? await this.#cache?.fresh(wanted, options, () => open(this.#local())) : undefined) ??
      (await this.#direct(wanted.name, signal, open));
    return { name: versionedName(stat.name, stat.version), size: stat.size, stream };
  }

  /**
   * Stores a file: a path, bytes, or a stream. Returns the versioned name of what is stored afterwards.
   *
   * With a version in the name, that is another, newer one if the store had a newer one: then nothing was
   * changed. Without a version, the file is stored as the newest: its version is the time of upload, or one
   * second after the stored version where that lies in the future of this machine's clock.
   *
   * A stream is read to its end first (into a temporary file if it is long), since its size and digest are sent
   * before it. Throws `NameConflictError`, and `UsageError` if both flags are false.
   */
  async putFile(name: NameArgument, source: Source, options: PutFileOptions = {}): Promise<string> {
    const wanted = parseNameArgument(name);
    const { toLocalStore = true, toRemoteStore = true, signal } = options;
    if (!toLocalStore && !toRemoteStore) throw new UsageError('a file must be put to one store at least');
    const content = await prepareContent(source, signal);
    try {
      const stored = await this.#put(wanted, content, { toLocalStore, toRemoteStore }, options);
      return versionedName(wanted.name, stored);
    } finally {
      await content.dispose();
    }
  }

  /** The version of a file: on the server if there is one. Throws `FileNotFoundError`. */
  async fileVersion(name: NameArgument, options: CallOptions = {}): Promise<Version> {
    return (await this.stat({ name: parseNameArgument(name).name }, options)).version;
  }

  /**
   * The length of a file in bytes; of a version that is in the cache without a request, unless `forceRefresh`.
   * Throws `FileNotFoundError` and `VersionMismatchError`.
   */
  async fileSize(name: NameArgument, options: LookupOptions = {}): Promise<number> {
    const wanted = parseNameArgument(name);
    const cached = await this.#cache?.hit(wanted, options, () => this.#local().stat(wanted.name));
    return (cached ?? (await this.stat(name, options))).size;
  }

  /** What is stored under a name, on the server if there is one. Throws as {@link fileSize}. */
  async stat(name: NameArgument, { signal }: CallOptions = {}): Promise<FileStat> {
    const wanted = parseNameArgument(name);
    return expectStat(
      wanted.name,
      await this.#main().stat(wanted.name, { version: wanted.version, signal }),
      wanted.version,
    );
  }

  /**
   * Removes a file from the cache and the server, with the directories that this empties; with a version in the
   * name only if that is the version stored. Throws `FileNotFoundError` and `VersionMismatchError`.
   */
  async deleteFile(name: NameArgument, { signal }: CallOptions = {}): Promise<void> {
    const { name: fileName, version } = parseNameArgument(name);
    const { remote, locks } = this.#parts;
    if (!remote) {
      return withLastLock(locks, fileName, signal, () =>
        deleteStored(this.#local(), fileName, version, signal),
      );
    }
    await this.#cache?.forget(fileName, version, signal);
    await deleteStored(remote, fileName, version, signal);
  }

  /** The files in the cache, in no particular order. Throws `UsageError` where there is none. */
  async *listLocalFiles(options: CallOptions = {}): AsyncGenerator<LocalFile> {
    for await (const { stat } of this.#local().list('', options)) {
      if (stat)
        yield { name: versionedName(stat.name, stat.version), version: stat.version, size: stat.size };
    }
  }

  /**
   * The names of the files in and below a directory of the server, in no particular order. Throws
   * `NotADirectoryError`, and `UsageError` where there is no server.
   */
  async *listRemoteFiles(options: ListRemoteOptions = {}): AsyncGenerator<string> {
    if (!this.#parts.remote) throw new UsageError('no server is known: set remoteUrl or $FILETRACKER_URL');
    const skipped = parseDirectoryName(options.directory ?? '').length;
    for await (const { name } of this.listFiles(options)) {
      yield options.absolutePaths ? `/${name}` : name.slice(skipped === 0 ? 0 : skipped + 1);
    }
  }

  /**
   * The files in and below a directory, of the server if there is one, in no particular order; with version and
   * size where these come with the listing. Throws `NotADirectoryError`.
   */
  listFiles({ directory = '', ...options }: ListOptions = {}): AsyncIterable<ListedFile> {
    return this.#main().list(parseDirectoryName(directory), storeListOptions(options));
  }

  /** The files and directories directly in a directory, each once; otherwise as {@link listFiles}. */
  listDirectory({ directory = '', ...options }: ListOptions = {}): AsyncIterable<DirectoryChild> {
    return this.#main().listChildren(parseDirectoryName(directory), storeListOptions(options));
  }

  /**
   * The versions of a file that are kept, newest first, with deletions where the server keeps history. Any of them
   * can be read as `/a/b@version`. Throws `FileNotFoundError`.
   */
  listVersions(name: NameArgument, options: CallOptions = {}): AsyncIterable<FileVersion> {
    return this.#main().listVersions(parseNameArgument(name).name, options);
  }

  /**
   * Stores the content of a kept version as the newest one, without sending it where the server still has it.
   * Returns the versioned name of what is stored now. Throws `FileNotFoundError`, `VersionMismatchError`, and
   * `UsageError` for a name without a version.
   */
  async restore(name: NameArgument, options: TransferOptions = {}): Promise<string> {
    const wanted = parseNameArgument(name);
    if (wanted.version === undefined) throw new UsageError('say which version to restore: NAME@VERSION');
    const stat = await this.stat(wanted, options);
    const content = storedContent(this.#main(), stat, options.signal);
    const flags = { toLocalStore: false, toRemoteStore: true };
    const stored = await this.#put({ name: stat.name }, content, flags, { ...options, likelyStored: true });
    return versionedName(stat.name, stored);
  }

  /**
   * What was stored and deleted on the server, in the order in which it was committed; with `follow` without end.
   * Each change comes once, also when connections break meanwhile. Throws `UsageError` where there is no server.
   */
  changes(options: ChangesOptions = {}): AsyncIterable<StoreChange> {
    const { remote } = this.#parts;
    if (!(remote instanceof RemoteDataStore)) {
      throw new UsageError('no server is known: set remoteUrl or $FILETRACKER_URL');
    }
    return remote.changes(options);
  }

  /** Ends the connections. Calls after it fail. */
  async close(): Promise<void> {
    await Promise.all([this.#parts.local?.close(), this.#parts.remote?.close()]);
  }

  async #put(
    { name, version }: SplitName,
    content: Content,
    { toLocalStore, toRemoteStore }: Required<Pick<PutFileOptions, 'toLocalStore' | 'toRemoteStore'>>,
    options: PutOptions,
  ): Promise<Version> {
    const { local, remote, locks } = this.#parts;
    const put = (store: DataStore) =>
      version === undefined
        ? store.putNewest(name, content, options)
        : store.put(name, version, content, options);
    if (!remote || (local && !toRemoteStore)) {
      return withLock(locks, name, 'exclusive', options.signal, () => put(this.#local()));
    }
    const cache = this.#cache;
    if (!cache || !toLocalStore) return put(remote);
    return cache.exclusively(name, options.signal, async (cacheUsable) => {
      const stored = await put(remote);
      const isOurs = version === undefined || stored === version;
      if (cacheUsable && isOurs) await cache.keep(name, stored, content);
      return stored;
    });
  }

  /** Reads past the cache: from the server, or from the local store where that is all there is. */
  async #direct<T>(
    name: FileName,
    signal: AbortSignal | undefined,
    read: (store: DataStore) => Promise<T>,
  ): Promise<T> {
    const { remote, locks } = this.#parts;
    if (remote) return read(remote);
    return withLock(locks, name, 'shared', signal, () => read(this.#local()));
  }

  /** The server, or the local store where that is all there is. */
  #main(): DataStore {
    return this.#parts.remote ?? this.#local();
  }

  #local(): DataStore {
    if (!this.#parts.local) throw new UsageError('this client has no local store');
    return this.#parts.local;
  }
}

function storeListOptions({ cutoff, asOf, signal }: Omit<ListOptions, 'directory'>): StoreListOptions {
  return {
    signal,
    ...(cutoff !== undefined && { cutoff: toVersion(toSeconds(cutoff)) }),
    ...(asOf !== undefined && { asOf: toSeconds(asOf) }),
  };
}

function toSeconds(moment: Date | number): number {
  return Math.floor(moment instanceof Date ? moment.getTime() / 1000 : moment);
}

/** Deletes what is stored under a name, if it is the wanted version. */
async function deleteStored(
  store: DataStore,
  name: FileName,
  version: Version | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const stored = expectStat(name, await store.stat(name, { signal }), version);
  // Up to its own version, not to the time now: this machine's clock may be behind it.
  await store.delete(name, stored.version, { signal });
}
