import { type BytePath, childPath } from '../../byte-path.js';
import type { ListingDiff } from '../../diff/diff-listing.js';
import type { Entry } from '../../entry.js';
import type { KnownFile } from './file-table.js';
import type { SessionTables } from './session-tables.js';

/** A directory whose files change. */
export interface ChangedDirectory {
  readonly id: number;
  readonly path: BytePath;
  readonly device: number;
}

/** What the files of a directory come to, or differences of it. */
export interface FileSums {
  readonly files: number;
  readonly directories: 0;
  readonly bytes: number;
  readonly allocated: number;
}

/**
 * Writes how the files of one directory differ: rows, history, and the totals of the directory and of all above it.
 * Returns by what the directory's own sums, which the caller writes, become larger.
 */
export function applyFileDiff(
  tables: SessionTables,
  directory: ChangedDirectory,
  diff: ListingDiff<KnownFile>,
): FileSums {
  const { files, links, log } = tables;
  const sums = { files: 0, directories: 0 as const, bytes: 0, allocated: 0 };
  const leave = (file: KnownFile) => {
    if (file.links > 1) links.touch(file.inode);
    addTo(sums, file, { sign: -1, counts: file.isCounted });
  };
  /** Tells whether the file counts, until at the end the recount chooses among the names of an inode. */
  const enter = (file: Entry, before?: KnownFile): boolean => {
    if (file.links > 1) links.touch(file.inode);
    const isCounted = file.links === 1 || (before?.inode === file.inode && before.isCounted);
    addTo(sums, file, { sign: 1, counts: isCounted });
    return isCounted;
  };
  for (const before of diff.removed) {
    leave(before);
    files.delete(directory.id, before.name);
    log.add('removed', childPath(directory.path, before.name), { before, after: null });
  }
  for (const after of diff.added) {
    const isCounted = enter(after);
    files.insert(directory.id, directory.device, after);
    log.add('new', childPath(directory.path, after.name), { before: null, after, isCounted });
  }
  for (const { before, after } of diff.modified) {
    leave(before);
    const isCounted = enter(after, before);
    files.update(directory.id, directory.device, after, { isCounted, fingerprint: null });
    log.add('modified', childPath(directory.path, after.name), { before, after, isCounted });
  }
  for (const { before, after } of diff.refreshed) {
    leave(before);
    const { fingerprint } = before;
    files.update(directory.id, directory.device, after, { isCounted: enter(after, before), fingerprint });
  }
  tables.ledger.add(directory.id, sums);
  return sums;
}

function addTo(
  sums: { files: number; bytes: number; allocated: number },
  file: Entry,
  { sign, counts }: { readonly sign: 1 | -1; readonly counts: boolean },
): void {
  sums.files += sign;
  if (!counts) return;
  sums.bytes += sign * file.size;
  sums.allocated += sign * file.allocated;
}
