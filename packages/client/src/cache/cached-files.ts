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
 * no client of the cache can name. Of a directory that cannot be read, or not to its end, `onUnreadable` is told; without
 * one its error is thrown.
 */
export async function* cachedFiles(
  directory: string,
  signal?: AbortSignal,
  onUnreadable?: (path: string, error: Error) => void,
): AsyncGenerator<readonly CachedFile[]> {
  const root = join(directory, 'files');
  let chunk: CachedFile[] = [];
  const open: { readonly prefix: string; readonly entries: Dir }[] = [];
  /** Makes a call about a directory; undefined where it is missing or cannot be read. */
  const reading = <T>(prefix: string, call: () => T): T | undefined => {
    try {
      return call();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      if (code === undefined || !onUnreadable) throw error;
      onUnreadable(prefix === '' ? root : `${root}/${prefix}`, error as Error);
      return undefined;
    }
  };
  const enter = (prefix: string) => {
    const entries = reading(prefix, () => opendirSync(`${root}/${prefix}`, { bufferSize: 1024 }));
    if (entries) open.push({ prefix, entries });
  };
  /** Goes on in the innermost directory; undefined at its end. */
  const step = ({ prefix, entries }: { readonly prefix: string; readonly entries: Dir }) => {
    const entry = entries.readSync();
    if (!entry) return undefined;
    const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    return { path, isDirectory: entry.isDirectory(), file: entry.isFile() ? lookAt(root, path) : undefined };
  };
  try {
    enter('');
    let looked = 0;
    for (let last = open.at(-1); last; last = open.at(-1)) {
      const within = last;
      const found = reading(within.prefix, () => step(within));
      if (!found) {
        open.pop()?.entries.closeSync();
        continue;
      }
      if (found.isDirectory) enter(found.path);
      if (found.file) chunk.push(found.file);
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
