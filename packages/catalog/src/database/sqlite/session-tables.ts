import type { Database } from 'better-sqlite3';
import type { BytePath } from '../../byte-path.js';
import { BoundsTable } from './bounds-table.js';
import { ChangeLog } from './change-log.js';
import { DirectoryTable } from './directory-table.js';
import { DirectoryTree } from './directory-tree.js';
import { FileTable } from './file-table.js';
import { HardLinks } from './hard-links.js';
import { KnownLines } from './known-lines.js';
import { TotalsLedger } from './totals-ledger.js';

/** The parts that a session writes through, all on one connection and in one transaction. */
export interface SessionTables {
  readonly directories: DirectoryTable;
  readonly bounds: BoundsTable;
  readonly files: FileTable;
  readonly knownLines: KnownLines;
  readonly tree: DirectoryTree;
  readonly ledger: TotalsLedger;
  readonly links: HardLinks;
  readonly log: ChangeLog;
}

/** Prepares the parts for a scan or a batch of a watch of `root`. */
export function sessionTables(database: Database, root: BytePath): SessionTables {
  const directories = new DirectoryTable(database);
  const bounds = new BoundsTable(database);
  const files = new FileTable(database);
  const ledger = new TotalsLedger(database, directories);
  const log = new ChangeLog(database);
  return {
    directories,
    bounds,
    files,
    knownLines: new KnownLines(database),
    tree: new DirectoryTree({ directories, bounds, ledger }, root),
    ledger,
    links: new HardLinks(database, { directories, files, ledger, log }),
    log,
  };
}
