import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Every file of a store with its size in bytes, sorted, but for LMDB's table of readers. */
export function storeFiles(directory: string): string[] {
  const files: string[] = [];
  for (const path of readdirSync(directory, { recursive: true }) as string[]) {
    if (path === join('metadata', 'lock.mdb')) continue;
    // A file may go between the two calls.
    const stats = statSync(join(directory, path), { throwIfNoEntry: false });
    if (stats?.isFile()) files.push(`${path} ${stats.size}`);
  }
  return files.sort();
}

/** The stored copies of large contents: paths below the store. */
export function blobFiles(directory: string): string[] {
  return (readdirSync(join(directory, 'blobs'), { recursive: true }) as string[])
    .filter((path) => path.endsWith('.zst'))
    .map((path) => join('blobs', path))
    .sort();
}

/** What uploads under way, or crashed ones, keep below `tmp/`. */
export function stagedFiles(directory: string): string[] {
  return readdirSync(join(directory, 'tmp'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'lock')
    .map((entry) => entry.name);
}
