import { closeSync, openSync, writeSync } from 'node:fs';
import { newestDescription } from '#server/metadata/lmdb/description.js';

/** Leaves zeroes of the page that the list of free pages in a data file begins with, as a disk does that lost it. */
export function loseFreeList(dataFile: string): void {
  const fd = openSync(dataFile, 'r+');
  const { pageBytes = 0, freeList } = newestDescription(fd) ?? {};
  writeSync(fd, Buffer.alloc(pageBytes), 0, pageBytes, (freeList?.root ?? 0) * pageBytes);
  closeSync(fd);
}
