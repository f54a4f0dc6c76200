import { ALL_BITS, boundColumns } from '../bound-columns.js';
import { repeatedContents } from '../repeated-contents.js';

/**
 * The steps from an empty database to the present schema; PRAGMA user_version counts those that were done. Steps are
 * only ever added at the end. Names and paths are BLOBs: bytes, exactly. Times with the ending _ns are nanoseconds
 * since 1970, those ending in _at milliseconds.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE scan_runs (
    id INTEGER PRIMARY KEY,
    root BLOB NOT NULL,
    source TEXT NOT NULL CHECK (source IN ('scan', 'watch')),
    status TEXT NOT NULL CHECK (status IN ('running', 'finished')),
    is_baseline INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    finished_at INTEGER,
    files INTEGER NOT NULL DEFAULT 0,
    directories INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    allocated INTEGER NOT NULL DEFAULT 0,
    new_files INTEGER NOT NULL DEFAULT 0,
    new_bytes INTEGER NOT NULL DEFAULT 0,
    modified_files INTEGER NOT NULL DEFAULT 0,
    modified_bytes INTEGER NOT NULL DEFAULT 0,
    renamed_files INTEGER NOT NULL DEFAULT 0,
    renamed_bytes INTEGER NOT NULL DEFAULT 0,
    removed_files INTEGER NOT NULL DEFAULT 0,
    removed_bytes INTEGER NOT NULL DEFAULT 0,
    new_directories INTEGER NOT NULL DEFAULT 0,
    removed_directories INTEGER NOT NULL DEFAULT 0,
    errors INTEGER NOT NULL DEFAULT 0,
    unreadable_directories INTEGER NOT NULL DEFAULT 0,
    metadata TEXT NOT NULL DEFAULT '{}'
  ) STRICT;

  -- The tree. A scanned root has parent_id 0 and its whole path as its name. listing_digest covers the directory's
  -- own fields and those of its entries: where a scan finds the same digest, nothing changed directly inside.
  CREATE TABLE directories (
    id INTEGER PRIMARY KEY,
    parent_id INTEGER NOT NULL,
    name BLOB NOT NULL,
    listing_digest BLOB,
    mode INTEGER NOT NULL DEFAULT 0,
    uid INTEGER NOT NULL DEFAULT 0,
    gid INTEGER NOT NULL DEFAULT 0,
    links INTEGER NOT NULL DEFAULT 0,
    device INTEGER NOT NULL DEFAULT 0,
    inode INTEGER NOT NULL DEFAULT 0,
    size INTEGER NOT NULL DEFAULT 0,
    allocated INTEGER NOT NULL DEFAULT 0,
    mtime_ns INTEGER NOT NULL DEFAULT 0,
    ctime_ns INTEGER NOT NULL DEFAULT 0,
    born_ns INTEGER,
    largest_file INTEGER NOT NULL DEFAULT 0,
    own_files INTEGER NOT NULL DEFAULT 0,
    own_bytes INTEGER NOT NULL DEFAULT 0,
    own_allocated INTEGER NOT NULL DEFAULT 0,
    total_files INTEGER NOT NULL DEFAULT 0,
    total_directories INTEGER NOT NULL DEFAULT 0,
    total_bytes INTEGER NOT NULL DEFAULT 0,
    total_allocated INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE UNIQUE INDEX directories_by_name ON directories (parent_id, name);

  -- Everything that is no directory. Of the names of one inode (links > 1) exactly one is counted in sums.
  -- device is null where it is the directory's, which is nearly always. An empty fingerprint marks a file that
  -- changed while it was read.
  CREATE TABLE files (
    directory_id INTEGER NOT NULL,
    name BLOB NOT NULL,
    mode INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    gid INTEGER NOT NULL,
    links INTEGER NOT NULL,
    device INTEGER,
    inode INTEGER NOT NULL,
    size INTEGER NOT NULL,
    allocated INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    born_ns INTEGER,
    is_counted INTEGER NOT NULL,
    fingerprint BLOB,
    PRIMARY KEY (directory_id, name)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX files_by_fingerprint ON files (fingerprint) WHERE fingerprint IS NOT NULL;
  CREATE INDEX files_linked ON files (inode) WHERE links > 1;

  CREATE TABLE file_changes (
    sequence INTEGER PRIMARY KEY,
    scan_id INTEGER NOT NULL REFERENCES scan_runs (id),
    recorded_at INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('new', 'modified', 'renamed', 'removed')),
    path BLOB NOT NULL,
    previous_path BLOB,
    old_mode INTEGER, old_uid INTEGER, old_gid INTEGER, old_links INTEGER, old_device INTEGER, old_inode INTEGER,
    old_size INTEGER, old_allocated INTEGER, old_mtime_ns INTEGER, old_ctime_ns INTEGER, old_born_ns INTEGER,
    old_fingerprint BLOB,
    new_mode INTEGER, new_uid INTEGER, new_gid INTEGER, new_links INTEGER, new_device INTEGER, new_inode INTEGER,
    new_size INTEGER, new_allocated INTEGER, new_mtime_ns INTEGER, new_ctime_ns INTEGER, new_born_ns INTEGER,
    new_fingerprint BLOB
  ) STRICT;
  CREATE INDEX file_changes_by_scan ON file_changes (scan_id);
  CREATE INDEX file_changes_by_time ON file_changes (recorded_at);
  CREATE INDEX file_changes_by_path ON file_changes (path);
  CREATE INDEX file_changes_by_previous_path ON file_changes (previous_path) WHERE previous_path IS NOT NULL;

  -- What a follower of events reads: live changes one by one, a finished scan that found changes as one row.
  CREATE TABLE mutation_log (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    recorded_at INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('new', 'modified', 'renamed', 'removed', 'scan', 'gap')),
    path BLOB NOT NULL,
    previous_path BLOB,
    scan_id INTEGER REFERENCES scan_runs (id)
  ) STRICT;

  CREATE TABLE scan_errors (
    scan_id INTEGER NOT NULL REFERENCES scan_runs (id),
    path BLOB NOT NULL,
    errno INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX scan_errors_by_scan ON scan_errors (scan_id);
  `,
  `
  -- The change that a mutation tells of, while the history still has it.
  ALTER TABLE mutation_log ADD COLUMN change INTEGER;
  UPDATE mutation_log AS m SET change = (SELECT c.sequence FROM file_changes c WHERE c.path = m.path
    AND +c.recorded_at = m.recorded_at AND +c.scan_id = m.scan_id AND +c.kind = m.kind);
  `,
  `
  -- Contents that several files have, see repeated-contents.ts. wasted are the bytes of all copies but one.
  CREATE TABLE repeated_contents (
    fingerprint BLOB PRIMARY KEY,
    size INTEGER NOT NULL,
    wasted INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX repeated_contents_by_waste ON repeated_contents (wasted DESC, fingerprint);
  INSERT INTO repeated_contents ${repeatedContents('fingerprint IS NOT NULL')};
  `,
  `
  -- Whether the length of what stood or stands under a name is in the sums of the directories above it: of the names of
  -- an inode only one's is. A recount changed nothing about the file: its name counts instead of another one of its
  -- inode since then, or no more. In rows from before this step every name counts.
  ALTER TABLE file_changes ADD COLUMN old_is_counted INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE file_changes ADD COLUMN new_is_counted INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE file_changes ADD COLUMN is_recount INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX mutation_log_by_time ON mutation_log (recorded_at);
  `,
  `
  -- Bytes that count under this name instead of another one of their inode since then; below 0, under another one instead
  -- of this one. Rows from before this step do not tell.
  ALTER TABLE file_changes ADD COLUMN moved_bytes INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- Since when the history that follows a run is whole: changes that came after its end were forgotten. Null: since its
  -- end.
  ALTER TABLE scan_runs ADD COLUMN history_since INTEGER;
  `,
  `
  -- What a directory and the files directly in it are like, see directory-bounds.ts: searches pass over those where nothing
  -- can match. Rows of before this step hold all owners, types and names until their directory changes.
  CREATE TABLE directory_bounds (
    directory_id INTEGER PRIMARY KEY,
    ${boundColumns('? INTEGER NOT NULL')}
  ) STRICT;
  INSERT INTO directory_bounds SELECT id, min(d.mtime_ns, coalesce(f.oldest, d.mtime_ns)),
      max(d.mtime_ns, coalesce(f.newest, d.mtime_ns)), max(d.size, d.largest_file), ${ALL_BITS}
    FROM directories d LEFT JOIN (
      SELECT directory_id, min(mtime_ns) AS oldest, max(mtime_ns) AS newest FROM files GROUP BY directory_id
    ) f ON f.directory_id = d.id;
  `,
  `
  -- What is large is found by this in place of all bounds.
  CREATE INDEX directory_bounds_by_largest ON directory_bounds (largest);
  `,
];
