import type { Database, Statement } from 'better-sqlite3';
import { childPath, nameFromBytes } from '../../byte-path.js';
import type { ChangeLog } from './change-log.js';
import type { DirectoryTable } from './directory-table.js';
import type { FileTable } from './file-table.js';
import { PathsByNumber } from './paths-by-number.js';
import { prepared } from './prepared.js';
import type { TotalsLedger } from './totals-ledger.js';

interface LinkRow {
  readonly directory: number;
  readonly name: Buffer;
  readonly device: number;
  readonly size: number;
  readonly allocated: number;
  readonly isCounted: number;
}

/**
 * Sees to it that of all names of an inode exactly one is in the sums. Sessions mark the inodes with several names
 * that they touch; at the end only those are looked at, wherever in the catalog their other names are.
 */
export class HardLinks {
  readonly #touch: Statement<[bigint]>;

  constructor(
    private readonly database: Database,
    private readonly tables: {
      readonly directories: DirectoryTable;
      readonly files: FileTable;
      readonly ledger: TotalsLedger;
      readonly log: ChangeLog;
    },
  ) {
    this.#touch = prepared(database, 'INSERT OR IGNORE INTO temp.touched_inodes VALUES (?)');
  }

  /** Whether no inode is marked. */
  get isEmpty(): boolean {
    return prepared(this.database, 'SELECT 1 FROM temp.touched_inodes LIMIT 1').get() === undefined;
  }

  /** Marks an inode of which a name with several links came, changed or went. */
  touch(inode: bigint): void {
    this.#touch.run(inode);
  }

  /**
   * Counts each touched inode once: under the name that counted so far, so that sums change in few places, and else under
   * the first. What that does to sums goes to the history, but for new directories of a baseline, which has none.
   */
  recount({ isBaseline }: { readonly isBaseline: boolean }): void {
    const paths = new PathsByNumber(this.database);
    const names = prepared<[bigint], LinkRow>(
      this.database,
      `SELECT directory_id AS directory, files.name AS name, coalesce(files.device, directories.device) AS device,
         files.size AS size, files.allocated AS allocated, is_counted AS isCounted
       FROM files JOIN directories ON directories.id = directory_id
       WHERE files.inode = ? AND files.links > 1 ORDER BY 3, is_counted DESC, 1, 2`,
    );
    const next = prepared<[bigint], bigint>(
      this.database,
      'SELECT inode FROM temp.touched_inodes WHERE inode > ? ORDER BY inode LIMIT 1000',
    )
      .pluck()
      .safeIntegers();
    const count = prepared<[number, number, Buffer]>(
      this.database,
      'UPDATE files SET is_counted = ? WHERE directory_id = ? AND name = ?',
    );
    let inodes = next.all(-(2n ** 63n));
    for (; inodes.length > 0; inodes = next.all(inodes.at(-1) ?? 0n)) {
      for (const inode of inodes) {
        let device: number | undefined;
        for (const row of names.all(inode)) {
          const counts = row.device === device ? 0 : 1;
          device = row.device;
          if (row.isCounted === counts) continue;
          count.run(counts, row.directory, row.name);
          this.#addToSums(row, counts === 1 ? 1 : -1);
          if (!isBaseline || !this.tables.directories.isFresh(row.directory))
            this.#note(row, counts === 1, paths);
        }
      }
    }
  }

  /** Forgets the marks. */
  clear(): void {
    prepared(this.database, 'DELETE FROM temp.touched_inodes').run();
  }

  #addToSums(row: LinkRow, sign: 1 | -1): void {
    const delta = { files: 0, directories: 0, bytes: sign * row.size, allocated: sign * row.allocated };
    this.tables.directories.addOwn(row.directory, delta);
    this.tables.ledger.add(row.directory, delta);
  }

  #note({ directory, name, device }: LinkRow, isCounted: boolean, paths: PathsByNumber): void {
    const { files, log } = this.tables;
    const above = paths.of(directory);
    if (above === undefined) return;
    const path = childPath(above, nameFromBytes(name));
    if (log.setCounted(path, isCounted)) return;
    const file = files.known(directory, device, name);
    if (file) log.addRecount(path, file);
  }
}
