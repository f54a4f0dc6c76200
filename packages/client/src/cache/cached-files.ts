import { type Dir, lstatSync, opendirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type FileName, parseFileName } from '@filetracker/protocol';

/** A file in a cache, as it was seen in passing. */
export interface CachedFile {
  readonly name: FileName;
  /** In bytes. */
  readonly size: number;
  /** Whole seconds since 1970. */
  readonly version: number;
  /** When it was read last, as far as the file system notes that, in milliseconds since 1970. */
  readonly accessed: number;
}

/**
 * Files that are looked at without a pause for others: a millisecond. The calls that wait take 4 µs for each, those
 * that do not take several times that, and a cache may have a million files.
 */
const CHUNK = 256;

/**
 * The files of a cache in chunks, in no particular order. What vanishes meanwhile is left out, and so are files that
 * no client of the cache can name.
 */
export async function* cachedFiles(
  directory: string,
  signal?: AbortSignal,
): AsyncGenerator<readonly CachedFile[]> {
  const root = join(directory, 'files');
  let chunk: CachedFile[] = [];
  const open: { readonly prefix: string; readonly entries: Dir }[] = [];
  const enter = (prefix: string) => {
    const entries = unlessMissing(() => opendirSync(`${root}/${prefix}`, { bufferSize: 1024 }));
    if (entries) open.push({ prefix, entries });
  };
  try {
    enter('');
    let looked = 0;
    for (let last = open.at(-1); last; last = open.at(-1)) {
      const entry = last.entries.readSync();
      if (!entry) {
        open.pop()?.entries.closeSync();
        continue;
      }
      const path = last.prefix === '' ? entry.name : `${last.prefix}/${entry.name}`;
      if (entry.isDirectory()) enter(path);
      else if (entry.isFile()) {
        const file = lookAt(root, path);
        if (file) chunk.push(file);
      }
      if (++looked % CHUNK !== 0) continue;
      yield chunk;
      chunk = [];
      await nextTurn();
      signal?.throwIfAborted();
    }
    yield chunk;
  } finally {
    for (const { entries } of open) entries.closeSync();
  }
}

/** Looks at one file; undefined for one that is gone or that no client can name. */
export function look(directory: string, path: string): CachedFile | undefined {
  return lookAt(join(directory, 'files'), path);
}

function lookAt(root: string, path: string): CachedFile | undefined {
  // join() would take a quarter of the time that the call below takes.
  const stats = lstatSync(`${root}/${path}`, { throwIfNoEntry: false });
  if (!stats?.isFile()) return undefined;
  try {
    return {
      name: parseFileName(path),
      size: stats.size,
      version: Math.floor(stats.mtimeMs / 1000),
      accessed: Math.floor(stats.atimeMs),
    };
  } catch {
    // A name that breaks a rule of names.
    return undefined;
  }
}

function unlessMissing<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
