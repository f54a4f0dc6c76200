import { open, readdir, rename, rmdir, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  ContentHash,
  hashing,
  makeDirectory,
  removeIfPresent,
  temporaryName,
  writeAtomically,
} from '@filetracker/durable-fs';
import type { DirectoryName, FileName, Version } from '@filetracker/protocol';
import type {
  CallOptions,
  Content,
  DataStore,
  DirectoryChild,
  FileStat,
  FileVersion,
  ListedFile,
  OpenedFile,
  PutOptions,
  ReadOptions,
  StatOptions,
  StoreListOptions,
} from './data-store.js';
import { checkDestination, linkDestination, writeDestination } from './destination.js';
import { directChildren } from './direct-children.js';
import {
  DestinationError,
  FileNotFoundError,
  FileTrackerError,
  LocalStoreError,
  NameConflictError,
  UnsupportedError,
} from './errors.js';
import { expectContent, expectStat } from './expectations.js';
import { isConflict, isMissing, listTree, toFileStat } from './local-files.js';
import { putNewestByTrying } from './put-newest.js';
import { markSourceFailures, SourceFailure, watched } from './transfer.js';

/** Bytes read at once. */
const READ_SIZE = 256 * 1024;

/** How often a put may find its directory removed by concurrent deletes before it gives up. */
const RENAME_ATTEMPTS = 20;

/** Leftovers of killed processes are removed once they are this old: no transfer takes so long. In milliseconds. */
const STALE_TEMPORARY_AGE = 24 * 60 * 60 * 1000;

/**
 * Files in a directory, as the caches of Python Filetracker clients have them: `<directory>/files/<name>`, the
 * modification time being the version. Files are written whole under `<directory>/tmp/` and then renamed, so a
 * hard link that somebody made of an old version keeps its content.
 *
 * No digests are kept beside the files: Python clients that share the directory would not keep them true, and
 * only the digest of the bytes that are on the disk now tells whether those are still right. Comparing a
 * version and storing another are two steps here; users that share a directory hold a lock around them.
 */
export class LocalDataStore implements DataStore {
  readonly #files: string;
  readonly #temporary: string;
  #swept = false;

  /** `directory` is made when the first file is put. */
  constructor(readonly directory: string) {
    this.#files = join(directory, 'files');
    this.#temporary = join(directory, 'tmp');
  }

  async stat(name: FileName, { version }: StatOptions = {}): Promise<FileStat | undefined> {
    const found = await stat(this.#path(name)).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw new LocalStoreError(`cannot read /${name} in the cache`, error);
    });
    const file = found && toFileStat(name, found);
    return file && expectStat(name, file, version);
  }

  async open(name: FileName, { version, signal }: ReadOptions = {}): Promise<OpenedFile> {
    const handle = await open(this.#path(name)).catch((error: unknown) => {
      if (isMissing(error)) throw new FileNotFoundError(name);
      throw new LocalStoreError(`cannot read /${name} in the cache`, error);
    });
    try {
      const found = expectStat(name, toFileStat(name, await handle.stat()), version);
      // Exactly the announced bytes: another program may still be appending to the file.
      const end = found.size > 0 ? { end: found.size - 1 } : {};
      const stream = handle.createReadStream({ ...end, highWaterMark: READ_SIZE, ...(signal && { signal }) });
      return { stat: found, stream };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async save(name: FileName, path: string, options: ReadOptions = {}): Promise<FileStat> {
    const destination = await checkDestination(path);
    if (destination.kind === 'special') {
      const opened = await this.open(name, options);
      await writeDestination(destination, opened, options);
      return opened.stat;
    }
    try {
      // The version is read off the link, not the name: the name may be given to another file in between.
      const saved = await linkDestination(this.#path(name), destination, async (linked) =>
        expectStat(name, toFileStat(name, await stat(linked)), options.version),
      );
      options.onProgress?.({ done: saved.size, total: saved.size });
      return saved;
    } catch (error) {
      if (isMissing(error)) throw new FileNotFoundError(name);
      if (error instanceof FileTrackerError) throw error;
      throw new DestinationError(path, error);
    }
  }

  async put(name: FileName, version: Version, content: Content, options: PutOptions = {}): Promise<Version> {
    const stored = await this.stat(name);
    if (stored && stored.version > version) return stored.version;
    const staged = join(this.#temporary, temporaryName());
    try {
      await this.#prepare();
      await this.#stage(staged, name, version, content, options);
      await this.#rename(staged, name);
    } catch (error) {
      if (error instanceof SourceFailure) throw error.cause;
      if (error instanceof FileTrackerError) throw error;
      if (isConflict(error)) throw new NameConflictError(name);
      throw new LocalStoreError(`cannot write /${name} to the cache`, error);
    } finally {
      await removeIfPresent(staged).catch(() => {}); // Renamed, or the directory itself is broken.
    }
    return version;
  }

  putNewest(name: FileName, content: Content, options: PutOptions = {}): Promise<Version> {
    return putNewestByTrying(name, content.size, {
      stat: () => this.stat(name),
      put: (version) => this.put(name, version, content, options),
    });
  }

  async delete(name: FileName, upTo: Version): Promise<void> {
    const stored = await this.stat(name);
    if (!stored) throw new FileNotFoundError(name);
    if (stored.version > upTo) return;
    try {
      await unlink(this.#path(name));
    } catch (error) {
      if (isMissing(error)) throw new FileNotFoundError(name);
      throw new LocalStoreError(`cannot remove /${name} from the cache`, error);
    }
    await this.#removeEmptyDirectories(name);
  }

  async *list(
    directory: DirectoryName,
    { cutoff, asOf, signal }: StoreListOptions = {},
  ): AsyncGenerator<ListedFile> {
    if (asOf !== undefined) throw new UnsupportedError('a cache keeps no history');
    for await (const name of listTree(this.#files, directory)) {
      signal?.throwIfAborted();
      const found = await this.stat(name);
      if (found && (cutoff === undefined || found.version <= cutoff)) yield { name, stat: found };
    }
  }

  listChildren(directory: DirectoryName, options: StoreListOptions = {}): AsyncIterable<DirectoryChild> {
    return directChildren(directory, this.list(directory, options));
  }

  async *listVersions(name: FileName, _options: CallOptions = {}): AsyncGenerator<FileVersion> {
    yield { kind: 'stored', ...expectStat(name, await this.stat(name), undefined) };
  }

  async close(): Promise<void> {}

  #path(name: FileName): string {
    return join(this.#files, name);
  }

  /** Writes content to a file under tmp/ that is complete, checked and synced when this resolves. */
  async #stage(
    path: string,
    name: FileName,
    version: Version,
    content: Content,
    options: PutOptions,
  ): Promise<void> {
    const hash = new ContentHash();
    const source = markSourceFailures(() => watched(content.open(), content.size, options));
    await writeAtomically(path, (handle) => writeFile(handle, hashing(source, hash)), {
      finish: async (handle) => {
        expectContent(name, { size: hash.size, digest: hash.digest() }, content);
        await handle.utimes(version, version);
      },
    });
  }

  /** Gives a staged file its name; again if a delete removed the directory, empty at that moment, in between. */
  async #rename(staged: string, name: FileName): Promise<void> {
    const path = this.#path(name);
    for (let attempt = 1; ; attempt++) {
      try {
        // While a deep path is made, this can lose the upper part of it to a delete, too.
        makeDirectory(dirname(path));
        return await rename(staged, path);
      } catch (error) {
        const vanished = (error as NodeJS.ErrnoException).code === 'ENOENT';
        if (!vanished || attempt === RENAME_ATTEMPTS) throw error;
      }
    }
  }

  async #prepare(): Promise<void> {
    makeDirectory(this.#temporary);
    if (this.#swept) return;
    this.#swept = true;
    for (const entry of await readdir(this.#temporary)) {
      const path = join(this.#temporary, entry);
      const found = await stat(path).catch(() => undefined);
      if (found && Date.now() - found.mtimeMs > STALE_TEMPORARY_AGE) await removeIfPresent(path);
    }
  }

  async #removeEmptyDirectories(name: FileName): Promise<void> {
    for (let directory = dirname(name); directory !== '.'; directory = dirname(directory)) {
      try {
        await rmdir(join(this.#files, directory));
      } catch {
        return; // Not empty, or somebody else removed it.
      }
    }
  }
}
