import { readListings } from '../listing/directory-listing.js';
import type { BeginScanOptions, ScanSession } from './catalog.js';
import type { ScanRun } from './records.js';
import { Sqlite } from './sqlite/driver.js';

/** Tells what a first scan of a root would record: with nothing to compare, that is only sums. */
export class BaselinePreview implements ScanSession {
  readonly id = 0;
  readonly isBaseline = true;
  readonly previous = undefined;
  readonly wantsOnlySums = true;
  readonly #startedAt = Date.now();
  // A temporary database on the disk: a tree may hold any number of hard links.
  readonly #linked = new Sqlite('');
  #files = 0;
  #directories = 0;
  #bytes = 0;
  #allocated = 0;
  #errors = 0;
  #unreadable = 0;

  constructor(private readonly options: BeginScanOptions) {
    this.#linked.exec(
      'CREATE TABLE seen (device INTEGER, inode INTEGER, PRIMARY KEY (device, inode)) WITHOUT ROWID',
    );
    this.#linked.exec('BEGIN');
  }

  knownDigests(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  knownMounts(): Promise<readonly never[]> {
    return Promise.resolve([]);
  }

  record(packed: Uint8Array): Promise<void> {
    const count = this.#linked.prepare<[number, bigint]>('INSERT OR IGNORE INTO seen VALUES (?, ?)');
    for (const listing of readListings(packed)) {
      const { sums } = listing;
      this.#files += sums.files;
      this.#bytes += sums.bytes;
      this.#allocated += sums.allocated;
      this.#errors += listing.problemCount;
      if (listing.state !== 'part') {
        this.#directories++;
        this.#allocated += listing.own.allocated;
      }
      if (listing.state === 'unreadable') {
        this.#errors++;
        this.#unreadable++;
      }
      if (listing.linkedCount === 0) continue;
      listing.visit({
        file: (entry) => {
          if (entry.links === 1 || count.run(entry.device, entry.inode).changes === 0) return;
          this.#bytes += entry.size;
          this.#allocated += entry.allocated;
        },
        directory: () => {},
        problem: () => {},
      });
    }
    return Promise.resolve();
  }

  finish(): Promise<ScanRun> {
    this.#linked.close();
    const none = { files: 0, bytes: 0 };
    const { root, source, metadata = {} } = this.options;
    return Promise.resolve({
      id: this.id,
      root,
      source,
      startedAt: this.#startedAt,
      finishedAt: Date.now(),
      historySince: null,
      isBaseline: true,
      totals: {
        files: this.#files,
        directories: Math.max(0, this.#directories - 1),
        bytes: this.#bytes,
        allocated: this.#allocated,
      },
      changes: {
        new: none,
        modified: none,
        renamed: none,
        removed: none,
        newDirectories: 0,
        removedDirectories: 0,
      },
      errors: this.#errors,
      unreadableDirectories: this.#unreadable,
      metadata,
    });
  }

  abort(): Promise<void> {
    this.#linked.close();
    return Promise.resolve();
  }
}
