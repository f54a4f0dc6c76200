import type { Dirent } from 'node:fs';

/** Compares two names by the bytes of their UTF-8, as listings are ordered. */
export function compareNames(a: string, b: string): number {
  if (a === b) return 0;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/**
 * The entries of a directory in the order that makes the files of a whole tree come in the order of their names:
 * the files below a directory have names that go on with a slash.
 */
export function entriesInOrder(entries: readonly Dirent<Buffer>[]): readonly Dirent<Buffer>[] {
  return entries
    .map((entry) => ({ entry, key: entry.isDirectory() ? Buffer.concat([entry.name, SLASH]) : entry.name }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
    .map(({ entry }) => entry);
}

const SLASH = Buffer.from('/');
