import type { Database } from 'better-sqlite3';
import { attributes } from '../attribute-columns.js';

const OLD = attributes('old_?');
const NEW = attributes('new_?');

/**
 * The tables that scans and batches of a watch work with, empty between them. They are made once for a connection:
 * making or dropping one makes every prepared statement be prepared anew.
 */
const TABLES = `
  -- Changes, before they go to the history.
  CREATE TEMP TABLE found (id INTEGER PRIMARY KEY, kind TEXT, path BLOB, previous_path BLOB,
    ${OLD}, old_fingerprint, old_is_counted DEFAULT 0, ${NEW}, new_is_counted DEFAULT 0, is_recount DEFAULT 0,
    moved_bytes DEFAULT 0);
  CREATE INDEX temp.found_linked ON found (path) WHERE new_links > 1;
  -- What may be one side of a rename, and which changes are the two sides of one.
  CREATE TEMP TABLE leaving (id INTEGER PRIMARY KEY, path, old_device, old_inode, type, old_born_ns, old_size,
    old_mtime_ns, place);
  CREATE INDEX temp.leaving_inodes ON leaving (old_inode);
  CREATE TEMP TABLE pairs (left_id INTEGER PRIMARY KEY, came_id INTEGER UNIQUE);

  -- Inodes with several names that were met, and directories that hold such names.
  CREATE TEMP TABLE touched_inodes (inode INTEGER PRIMARY KEY);
  CREATE TEMP TABLE linked_names (directory_id, inode, links, known, is_stale, is_incomplete);

  -- Parts of very large directories: as they come, and sorted when all have come.
  CREATE TEMP TABLE arrived (id INTEGER PRIMARY KEY, directory_id INTEGER, name BLOB, kind TEXT, packed BLOB);
  CREATE TEMP TABLE staged (directory_id INTEGER, name BLOB, kind TEXT, packed BLOB,
    PRIMARY KEY (directory_id, name)) WITHOUT ROWID;
`;

/** Makes the tables on a connection that has not begun a transaction: they would go with one that is rolled back. */
export function makeTemporaryTables(database: Database): void {
  database.exec(TABLES);
}
