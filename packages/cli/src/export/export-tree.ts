import { setMaxListeners } from 'node:events';
import { createReadStream, statSync } from 'node:fs';
import { link, lstat, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ConnectionError, DestinationError, type FileStat, type ListedFile } from '@filetracker/client';
import { ContentHash, removeIfPresent, temporaryName } from '@filetracker/durable-fs';
import { isOutOfRoom } from '@filetracker/durable-fs/system-code';
import type { Digest, DirectoryName, FileName } from '@filetracker/protocol';
import { concurrently } from '../concurrently.js';
import { hasCode } from '../output/failure.js';
import type { ExportSource } from './export-source.js';
import { makeTreeDirectory, Staging } from './staging.js';

/** How a store is written out. */
export interface ExportOptions {
  /** Where to. */
  readonly target: string;
  /** Only what is below this directory of the store, with paths relative to it. */
  readonly directory: DirectoryName;
  /** Files with the same content and version become one file with several names. */
  readonly hardLinks: boolean;
  readonly concurrency: number;
  readonly signal: AbortSignal;
}

/** Told of what happens, file by file. */
export interface ExportObserver {
  written(stat: FileStat, how: 'copied' | 'linked'): void;
  /** A file with this version and size is there already. */
  kept(stat: FileStat): void;
  failed(name: FileName, error: Error): void;
}

/**
 * Writes the files of a store as plain files with their versions as modification times. A file that is there with
 * the same time and size is left alone, so an export that was broken off goes on where it was. One file that fails
 * is reported and the rest goes on. Throws what no other file would get past either: a full disk, a server that is gone.
 */
export async function exportTree(
  source: ExportSource,
  options: ExportOptions,
  observer: ExportObserver,
): Promise<void> {
  const staging = new Staging(options.target);
  try {
    const writer = new TreeWriter(source, options, observer, staging);
    const files = source.list(options.directory, writer.signal);
    await concurrently(files, (file) => writer.write(file), options.concurrency);
  } finally {
    staging.remove();
  }
}

/** Resolves with the path of the first file of a content and version, if it is sound. */
type FirstPath = () => Promise<string | undefined>;

/** What became of a file; one that was saved as it came, and undefined where it has been deleted since it was listed. */
type Outcome = 'kept' | 'linked' | FileStat | undefined;

class TreeWriter {
  /** By content and version, the path of the first file that has them, once that is certain. */
  readonly #first = new Map<string, FirstPath>();
  readonly #stop = new AbortController();
  /** Ends all, also by itself. */
  readonly signal: AbortSignal;

  constructor(
    private readonly source: ExportSource,
    private readonly options: ExportOptions,
    private readonly observer: ExportObserver,
    private readonly staging: Staging,
  ) {
    this.signal = AbortSignal.any([options.signal, this.#stop.signal]);
    // Every file that is under way listens.
    setMaxListeners(0, this.signal);
  }

  async write({ name, stat }: ListedFile): Promise<void> {
    this.signal.throwIfAborted();
    try {
      const found = stat ?? (await this.source.stat(name));
      if (found) await this.#write(found);
    } catch (error) {
      this.signal.throwIfAborted();
      if (isAboutAll(error)) this.#stop.abort(error);
      this.signal.throwIfAborted();
      this.observer.failed(name, error as Error);
    }
  }

  async #write(stat: FileStat): Promise<void> {
    const { directory, target } = this.options;
    const relative = directory === '' ? stat.name : stat.name.slice(directory.length + 1);
    const path = join(target, relative);
    const key = this.#linkKey(stat, path);
    const first = key === undefined ? undefined : this.#first.get(key);
    const placing = this.#place(stat, path, first);
    let sound: Promise<string | undefined> | undefined;
    const own = () => {
      sound ??= soundPath(placing, stat, path);
      return sound;
    };
    // Of names that are looked at together the others wait for the one that is listed first.
    if (key !== undefined && !first) this.#first.set(key, own);
    const outcome = await placing;
    if (outcome === 'kept') this.observer.kept(stat);
    else if (outcome === 'linked') this.observer.written(stat, 'linked');
    else if (outcome) {
      // The first was no file to link to.
      if (key !== undefined) this.#first.set(key, own);
      this.observer.written(outcome, 'copied');
    }
  }

  /** Sees that a file is in its place; `first` tells what it may be a link to. */
  async #place(stat: FileStat, path: string, first: FirstPath | undefined): Promise<Outcome> {
    if (await isThere(path, stat)) return 'kept';
    makeTreeDirectory(dirname(path));
    if (first && (await this.#link(await first(), path))) return 'linked';
    return this.#save(stat.name, path);
  }

  /** The same for files that can be one: names of a file have one content, one modification time and one file system. */
  #linkKey({ digest, version }: FileStat, path: string): string | undefined {
    if (!this.options.hardLinks || digest === undefined) return undefined;
    const directory = dirname(path);
    makeTreeDirectory(directory);
    return `${digest}@${version}@${statSync(directory).dev}`;
  }

  async #save(name: FileName, path: string): Promise<FileStat | undefined> {
    try {
      return await this.#make(path, (staged) => this.source.save(name, staged, this.signal));
    } catch (error) {
      // Where it was to be made is nobody's business.
      throw error instanceof DestinationError ? error.cause : error;
    }
  }

  /** Gives a file a second name; false where it can have no more, such as 65,000 on ext4, or none at all. */
  async #link(existing: string | undefined, path: string): Promise<boolean> {
    if (existing === undefined) return false;
    try {
      return (await this.#make(path, (staged) => linkIfPossible(existing, staged))) === true;
    } catch (error) {
      if (hasCode(error, 'EXDEV')) return false;
      throw error;
    }
  }

  /** Makes a file, unless `make` resolves with nothing, and moves it to its place. */
  async #make<T>(path: string, make: (staged: string) => Promise<T | undefined>): Promise<T | undefined> {
    const directory = dirname(path);
    const place = this.staging.placeFor(directory);
    const staged = join(place, temporaryName());
    try {
      const made = await make(staged);
      if (made !== undefined) await rename(staged, path);
      return made;
    } catch (error) {
      if (hasCode(error, 'EXDEV') && place !== this.staging.addPlaceFor(directory)) {
        return await this.#make(path, make);
      }
      if (hasCode(error, 'EISDIR')) throw new Error(`${path} is a directory`, { cause: error });
      throw error;
    } finally {
      // rename(2) does nothing, and succeeds, where both names are links to the same file already.
      await removeIfPresent(staged);
    }
  }
}

/** Resolves with nothing where the file can have no more names. */
async function linkIfPossible(existing: string, path: string): Promise<true | undefined> {
  try {
    await link(existing, path);
    return true;
  } catch (error) {
    if (hasCode(error, 'EXDEV')) throw error;
    return undefined;
  }
}

/**
 * Where a file is to which others may become links: not where something else came, or it failed. Of one that was there only
 * time and size were looked at.
 */
async function soundPath(
  placing: Promise<Outcome>,
  { digest, version }: FileStat,
  path: string,
): Promise<string | undefined> {
  try {
    const outcome = await placing;
    const found = outcome === 'kept' ? { digest: await digestOf(path), version } : outcome;
    const isSound = found === 'linked' || (found?.digest === digest && found?.version === version);
    return isSound ? path : undefined;
  } catch {
    // Why it failed is told where it was to be written.
    return undefined;
  }
}

async function digestOf(path: string): Promise<Digest> {
  const hash = new ContentHash();
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest();
}

/** Whether a failure would be that of all other files, too. */
function isAboutAll(error: unknown): boolean {
  return error instanceof ConnectionError || isOutOfRoom(error) || hasCode(error, 'EROFS');
}

async function isThere(path: string, { size, version }: FileStat): Promise<boolean> {
  // What keeps it from being looked at keeps it from being written too, and is told then.
  const found = await lstat(path).catch(() => undefined);
  return found?.isFile() === true && found.size === size && found.mtimeMs === version * 1000;
}
