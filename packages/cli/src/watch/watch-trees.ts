import { opendir, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { BytePath, Catalog, WatchEvent, WatchOptions } from '@filetracker/catalog';
import { toBytes } from '@filetracker/catalog/paths';
import { pathArgument, pathOnDisk } from '../catalog-command.js';

/**
 * The tree that an argument names. One that cannot be read now is waited for where the catalog knows it, such as a
 * disk that is not mounted yet; otherwise it is a mistake, and fails with the system's error.
 */
export async function treeArgument(catalog: Catalog, text: string): Promise<BytePath> {
  try {
    const path = await pathOnDisk(text);
    await (await opendir(toBytes(path))).close();
    return path;
  } catch (error) {
    const path = pathArgument(text);
    if (await catalog.directory(path)) return path;
    throw error;
  }
}

/** Watches several trees at once and shows their events as they come; the failure of one ends all. */
export async function watchTrees(
  catalog: Catalog,
  roots: readonly BytePath[],
  {
    options,
    signal,
    onEvent,
  }: {
    readonly options: WatchOptions;
    readonly signal: AbortSignal;
    readonly onEvent: (event: WatchEvent) => Promise<void>;
  },
): Promise<void> {
  const { watch } = await import('@filetracker/catalog');
  const failed = new AbortController();
  const ended = AbortSignal.any([signal, failed.signal]);
  const watchOne = async (root: BytePath) => {
    try {
      for await (const event of watch(catalog, root, { ...options, signal: ended })) await onEvent(event);
    } catch (error) {
      failed.abort();
      throw error;
    }
  };
  const results = await Promise.allSettled(roots.map(watchOne));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

/** The files of the catalog itself, whose changes are no news; none for a database on a server. */
export async function catalogFiles(place: string): Promise<readonly BytePath[]> {
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(place)) return [];
  const file = join(await realpath(dirname(resolve(place))), basename(place));
  return ['', '-wal', '-shm', '-journal'].map((ending) => pathArgument(file + ending));
}
