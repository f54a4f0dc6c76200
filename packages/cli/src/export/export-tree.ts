import { link, lstat, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { FileStat, ListedFile } from '@filetracker/client';
import { makeDirectory, removeIfPresent, temporaryName } from '@filetracker/durable-fs';
import type { DirectoryName, FileName } from '@filetracker/protocol';
import { concurrently } from '../concurrently.js';
import type { ExportSource } from './export-source.js';

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
 * is reported and the rest goes on.
 */
export async function exportTree(
  source: ExportSource,
  options: ExportOptions,
  observer: ExportObserver,
): Promise<void> {
  const writer = new TreeWriter(source, options, observer);
  makeDirectory(options.target);
  const files = source.list(options.directory, options.signal);
  await concurrently(files, (file) => writer.write(file), options.concurrency);
}

class TreeWriter {
  /** By content and version, the path of the first file that has them. */
  readonly #first = new Map<string, Promise<string | undefined>>();

  constructor(
    private readonly source: ExportSource,
    private readonly options: ExportOptions,
    private readonly observer: ExportObserver,
  ) {}

  async write({ name, stat }: ListedFile): Promise<void> {
    this.options.signal.throwIfAborted();
    try {
      const found = stat ?? (await this.source.stat(name));
      if (found) await this.#write(found);
    } catch (error) {
      this.options.signal.throwIfAborted();
      this.observer.failed(name, error as Error);
    }
  }

  async #write(stat: FileStat): Promise<void> {
    const { directory, target, hardLinks } = this.options;
    const relative = directory === '' ? stat.name : stat.name.slice(directory.length + 1);
    const path = join(target, relative);
    if (await isThere(path, stat)) {
      this.#remember(stat, Promise.resolve(path));
      return this.observer.kept(stat);
    }
    makeDirectory(dirname(path));
    // A link has one modification time, so the versions must be equal, too.
    const first = hardLinks && stat.digest ? await this.#first.get(keyOf(stat)) : undefined;
    if (first !== undefined) {
      await linkAtomically(first, path);
      return this.observer.written(stat, 'linked');
    }
    const saving = this.source.save(stat.name, path, this.options.signal);
    this.#remember(
      stat,
      // Whatever came instead, or failed, is no file to link to.
      saving.then(
        (saved) => (saved?.digest === stat.digest && saved?.version === stat.version ? path : undefined),
        () => undefined,
      ),
    );
    const saved = await saving;
    // Deleted since it was listed: there is nothing to write any more.
    if (saved) this.observer.written(saved, 'copied');
  }

  #remember(stat: FileStat, path: Promise<string | undefined>): void {
    if (this.options.hardLinks && stat.digest && !this.#first.has(keyOf(stat))) {
      this.#first.set(keyOf(stat), path);
    }
  }
}

function keyOf({ digest, version }: FileStat): string {
  return `${digest}@${version}`;
}

async function isThere(path: string, { size, version }: FileStat): Promise<boolean> {
  // What keeps it from being looked at keeps it from being written too, and is told then.
  const found = await lstat(path).catch(() => undefined);
  return found?.isFile() === true && found.size === size && found.mtimeMs === version * 1000;
}

async function linkAtomically(existing: string, path: string): Promise<void> {
  const temporary = join(dirname(path), temporaryName());
  try {
    await link(existing, temporary);
    await rename(temporary, path);
  } finally {
    // rename(2) does nothing, and succeeds, where both names are links to the same file already.
    await removeIfPresent(temporary);
  }
}
