import { ALL_BITS, boundColumns } from '../bound-columns.js';
import { repeatedContents } from '../repeated-contents.js';

/** How many partitions `files` has: autovacuum and bulk work go partition by partition. */
const FILE_PARTITIONS = 8;

const filePartitions = Array.from(
  { length: FILE_PARTITIONS },
  (_, n) =>
    `CREATE TABLE files_${n} PARTITION OF files FOR VALUES WITH (MODULUS ${FILE_PARTITIONS}, REMAINDER ${n});`,
).join('\n');

/**
 * The steps from an empty schema to the present one; the table `schema_version` counts those that were done. Steps
 * are only ever added at the end. Names and paths are bytea: bytes, exactly. Times with the ending _ns are
 * nanoseconds since 1970, those ending in _at milliseconds.
 */
export const MIGRATIONS: readonly string[] = [
  `
  -- Machines whose trees are recorded; all else belongs to one of them.
  CREATE TABLE hosts (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE
  );

  CREATE TABLE scan_runs (
    id bigint PRIMARY KEY,
    host_id integer NOT NULL REFERENCES hosts (id),
    root bytea NOT NULL,
    source text NOT NULL CHECK (source IN ('scan', 'watch')),
    status text NOT NULL CHECK (status IN ('running', 'finished')),
    is_baseline boolean NOT NULL,
    started_at bigint NOT NULL,
    finished_at bigint,
    files bigint NOT NULL DEFAULT 0,
    directories bigint NOT NULL DEFAULT 0,
    bytes bigint NOT NULL DEFAULT 0,
    allocated bigint NOT NULL DEFAULT 0,
    new_files bigint NOT NULL DEFAULT 0,
    new_bytes bigint NOT NULL DEFAULT 0,
    modified_files bigint NOT NULL DEFAULT 0,
    modified_bytes bigint NOT NULL DEFAULT 0,
    renamed_files bigint NOT NULL DEFAULT 0,
    renamed_bytes bigint NOT NULL DEFAULT 0,
    removed_files bigint NOT NULL DEFAULT 0,
    removed_bytes bigint NOT NULL DEFAULT 0,
    new_directories bigint NOT NULL DEFAULT 0,
    removed_directories bigint NOT NULL DEFAULT 0,
    errors bigint NOT NULL DEFAULT 0,
    unreadable_directories bigint NOT NULL DEFAULT 0,
    metadata text NOT NULL DEFAULT '{}'
  );
  CREATE INDEX scan_runs_by_host ON scan_runs (host_id, id);
  CREATE SEQUENCE scan_ids;

  -- The tree. A scanned root has parent_id 0 and its whole path as its name. listing_digest covers the directory's
  -- own fields and those of its entries: where a scan finds the same digest, nothing changed directly inside.
  --
  -- lineage is the way from the root to the directory. Its labels are the numbers of the directories: a label holds
  -- at most 255 characters of an alphabet of 63 before PostgreSQL 16, so that no encoding of names of 255 bytes fits,
  -- while numbers never collide and lead back to the name through this table.
  CREATE TABLE directories (
    id bigint PRIMARY KEY,
    host_id integer NOT NULL REFERENCES hosts (id),
    parent_id bigint NOT NULL,
    name bytea NOT NULL,
    path bytea NOT NULL,
    lineage ltree NOT NULL,
    listing_digest bytea,
    mode integer NOT NULL,
    uid bigint NOT NULL,
    gid bigint NOT NULL,
    links bigint NOT NULL,
    device bigint NOT NULL,
    inode bigint NOT NULL,
    size bigint NOT NULL,
    allocated bigint NOT NULL,
    mtime_ns bigint NOT NULL,
    ctime_ns bigint NOT NULL,
    born_ns bigint,
    largest_file bigint NOT NULL DEFAULT 0,
    own_files bigint NOT NULL DEFAULT 0,
    own_bytes bigint NOT NULL DEFAULT 0,
    own_allocated bigint NOT NULL DEFAULT 0,
    total_files bigint NOT NULL DEFAULT 0,
    total_directories bigint NOT NULL DEFAULT 0,
    total_bytes bigint NOT NULL DEFAULT 0,
    total_allocated bigint NOT NULL DEFAULT 0
  ) WITH (fillfactor = 90);
  CREATE SEQUENCE directory_ids;
  -- Paths may be longer than a B-tree takes.
  CREATE UNIQUE INDEX directories_by_path ON directories (host_id, sha256(path));
  CREATE INDEX directories_by_parent ON directories (parent_id);
  -- An entry of an index is at most 8 KiB, which the lineage of a very deep directory exceeds: subtrees below the
  -- 64th level are filtered out of the one that holds them.
  CREATE INDEX directories_by_lineage ON directories USING gist (subltree(lineage, 0, least(nlevel(lineage), 64)));

  -- Everything that is no directory. Of the names of one inode (links > 1) exactly one is counted in sums.
  -- device is null where it is the directory's, which is nearly always.
  CREATE TABLE files (
    directory_id bigint NOT NULL,
    inode bigint NOT NULL,
    size bigint NOT NULL,
    allocated bigint NOT NULL,
    mtime_ns bigint NOT NULL,
    ctime_ns bigint NOT NULL,
    born_ns bigint,
    uid bigint NOT NULL,
    gid bigint NOT NULL,
    links bigint NOT NULL,
    device bigint,
    mode integer NOT NULL,
    is_counted boolean NOT NULL,
    name bytea NOT NULL,
    fingerprint bytea,
    PRIMARY KEY (directory_id, name)
  ) PARTITION BY HASH (directory_id);
  ${filePartitions}
  CREATE INDEX files_linked ON files (inode) WHERE links > 1;

  -- Partitions by month are made when they are needed, see partitions.ts.
  CREATE TABLE file_changes (
    sequence bigint NOT NULL,
    host_id integer NOT NULL,
    scan_id bigint NOT NULL,
    recorded_at bigint NOT NULL,
    kind text NOT NULL,
    path bytea NOT NULL,
    previous_path bytea,
    old_mode integer, old_uid bigint, old_gid bigint, old_links bigint, old_device bigint, old_inode bigint,
    old_size bigint, old_allocated bigint, old_mtime_ns bigint, old_ctime_ns bigint, old_born_ns bigint,
    old_fingerprint bytea,
    new_mode integer, new_uid bigint, new_gid bigint, new_links bigint, new_device bigint, new_inode bigint,
    new_size bigint, new_allocated bigint, new_mtime_ns bigint, new_ctime_ns bigint, new_born_ns bigint,
    new_fingerprint bytea
  ) PARTITION BY RANGE (recorded_at);
  CREATE SEQUENCE change_sequence;
  CREATE INDEX file_changes_by_sequence ON file_changes (sequence);
  CREATE INDEX file_changes_by_scan ON file_changes (scan_id);
  CREATE INDEX file_changes_by_time ON file_changes (recorded_at);
  -- The beginning of a path keeps the order of paths, and always fits into a B-tree.
  CREATE INDEX file_changes_by_path ON file_changes (substring(path FROM 1 FOR 1024));
  CREATE INDEX file_changes_by_previous_path ON file_changes (substring(previous_path FROM 1 FOR 1024))
    WHERE previous_path IS NOT NULL;

  -- What a follower of events reads: live changes one by one, a finished scan that found changes as one row.
  CREATE TABLE mutation_log (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    host_id integer NOT NULL REFERENCES hosts (id),
    recorded_at bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('new', 'modified', 'renamed', 'removed', 'scan', 'gap')),
    path bytea NOT NULL,
    previous_path bytea,
    scan_id bigint REFERENCES scan_runs (id)
  );

  CREATE TABLE scan_errors (
    sequence bigint GENERATED ALWAYS AS IDENTITY,
    scan_id bigint NOT NULL REFERENCES scan_runs (id),
    path bytea NOT NULL,
    errno integer NOT NULL
  );
  CREATE INDEX scan_errors_by_scan ON scan_errors (scan_id, sequence);
  `,
  `
  -- What reports see: of each table the rows of one host, whose number the setting filetracker.host holds. Rows can be
  -- changed and deleted through them. A step that adds a column to a table has to make its view anew.
  CREATE SCHEMA filetracker_host;
  CREATE VIEW filetracker_host.directories AS SELECT * FROM directories
    WHERE host_id = current_setting('filetracker.host')::integer;
  CREATE VIEW filetracker_host.files AS SELECT * FROM files WHERE EXISTS (
    SELECT FROM directories d WHERE d.id = directory_id AND d.host_id = current_setting('filetracker.host')::integer);
  CREATE VIEW filetracker_host.file_changes AS SELECT * FROM file_changes
    WHERE host_id = current_setting('filetracker.host')::integer;
  CREATE VIEW filetracker_host.scan_runs AS SELECT * FROM scan_runs
    WHERE host_id = current_setting('filetracker.host')::integer;
  CREATE VIEW filetracker_host.mutation_log AS SELECT * FROM mutation_log
    WHERE host_id = current_setting('filetracker.host')::integer;
  CREATE VIEW filetracker_host.scan_errors AS SELECT * FROM scan_errors WHERE EXISTS (
    SELECT FROM scan_runs r WHERE r.id = scan_id AND r.host_id = current_setting('filetracker.host')::integer);
  `,
  `
  CREATE INDEX files_by_fingerprint ON files (fingerprint) WHERE fingerprint IS NOT NULL;
  -- Nearly all directories are of one host, which the planner does not know before autovacuum has come by: the sum keeps
  -- it from taking the index that begins with the host for a choice.
  CREATE OR REPLACE VIEW filetracker_host.directories AS SELECT * FROM directories
    WHERE host_id + 0 = current_setting('filetracker.host')::integer;
  `,
  `
  -- The change that a mutation tells of, while the history still has it. That the index is unique tells the planner
  -- that it leads to one row, where it knows nothing yet of what a batch has just written.
  DROP INDEX file_changes_by_sequence;
  CREATE UNIQUE INDEX file_changes_by_sequence ON file_changes (sequence, recorded_at);
  ALTER TABLE mutation_log ADD COLUMN change bigint;
  UPDATE mutation_log m SET change = c.sequence FROM file_changes c WHERE c.recorded_at = m.recorded_at
    AND c.scan_id = m.scan_id AND c.kind = m.kind AND c.path = m.path;
  CREATE OR REPLACE VIEW filetracker_host.mutation_log AS SELECT * FROM mutation_log
    WHERE host_id = current_setting('filetracker.host')::integer;
  `,
  `
  -- Contents that several files of a host have, see repeated-contents.ts. wasted are the bytes of all copies but one.
  CREATE TABLE repeated_contents (
    host_id integer NOT NULL REFERENCES hosts (id),
    fingerprint bytea NOT NULL,
    size bigint NOT NULL,
    wasted bigint NOT NULL,
    PRIMARY KEY (host_id, fingerprint)
  );
  CREATE INDEX repeated_contents_by_waste ON repeated_contents (host_id, wasted DESC, fingerprint);
  CREATE VIEW filetracker_host.repeated_contents AS SELECT * FROM repeated_contents
    WHERE host_id = current_setting('filetracker.host')::integer;
  INSERT INTO repeated_contents ${repeatedContents('fingerprint IS NOT NULL', 'directories.host_id')};
  `,
  `
  -- A file that changes changes the totals of every directory above it: where half of them are written again by each
  -- scan, new versions of the rows need that much room beside the old ones, or every index gets a new entry for each.
  ALTER TABLE directories SET (fillfactor = 50);
  `,
  `
  -- The host of a directory is looked up before it is written, and never deleted: looking each up again took a quarter
  -- of the time in which directories are inserted. A B-tree holds what is below a lineage as a range: its labels are
  -- digits. It takes half the time that a GiST index took.
  ALTER TABLE directories DROP CONSTRAINT directories_host_id_fkey;
  DROP INDEX directories_by_lineage;
  CREATE INDEX directories_by_lineage ON directories (subltree(lineage, 0, least(nlevel(lineage), 64)));
  `,
  `
  -- Whether the length of what stood or stands under a name is in the sums of the directories above it: of the names of
  -- an inode only one's is. A recount changed nothing about the file: its name counts instead of another one of its
  -- inode since then, or no more. In rows from before this step every name counts. Numbers, to be multiplied with sizes.
  ALTER TABLE file_changes ADD COLUMN old_is_counted smallint NOT NULL DEFAULT 1,
    ADD COLUMN new_is_counted smallint NOT NULL DEFAULT 1, ADD COLUMN is_recount smallint NOT NULL DEFAULT 0;
  CREATE OR REPLACE VIEW filetracker_host.file_changes AS SELECT * FROM file_changes
    WHERE host_id = current_setting('filetracker.host')::integer;
  CREATE INDEX mutation_log_by_time ON mutation_log (recorded_at);
  `,
  `
  -- Bytes that count under this name instead of another one of their inode since then; below 0, under another one instead
  -- of this one. Rows from before this step do not tell.
  ALTER TABLE file_changes ADD COLUMN moved_bytes bigint NOT NULL DEFAULT 0;
  CREATE OR REPLACE VIEW filetracker_host.file_changes AS SELECT * FROM file_changes
    WHERE host_id = current_setting('filetracker.host')::integer;
  `,
  `
  -- Since when the history that follows a run is whole: changes that came after its end were forgotten. Null: since its
  -- end.
  ALTER TABLE scan_runs ADD COLUMN history_since bigint;
  CREATE OR REPLACE VIEW filetracker_host.scan_runs AS SELECT * FROM scan_runs
    WHERE host_id = current_setting('filetracker.host')::integer;
  `,
  `
  -- What a directory and the files directly in it are like, see directory-bounds.ts: searches pass over those where nothing
  -- can match, in a tenth of the space that directories take. Rows of before this step hold all owners, types and names
  -- until their directory changes.
  CREATE TABLE directory_bounds (
    directory_id bigint PRIMARY KEY,
    host_id integer NOT NULL,
    ${boundColumns('? bigint NOT NULL')}
  ) WITH (fillfactor = 90);
  INSERT INTO directory_bounds SELECT id, host_id, least(d.mtime_ns, f.oldest), greatest(d.mtime_ns, f.newest),
      greatest(d.size, d.largest_file), ${ALL_BITS}
    FROM directories d LEFT JOIN (
      SELECT directory_id, min(mtime_ns) AS oldest, max(mtime_ns) AS newest FROM files GROUP BY directory_id
    ) f ON f.directory_id = d.id;
  CREATE VIEW filetracker_host.directory_bounds AS SELECT * FROM directory_bounds
    WHERE host_id + 0 = current_setting('filetracker.host')::integer;
  CREATE OR REPLACE VIEW filetracker_host.files AS SELECT * FROM files WHERE EXISTS (
    SELECT FROM directory_bounds b
    WHERE b.directory_id = files.directory_id AND b.host_id = current_setting('filetracker.host')::integer);
  `,
  `
  -- What is large is found by this in place of all bounds.
  CREATE INDEX directory_bounds_by_largest ON directory_bounds (largest, directory_id) INCLUDE (host_id);
  `,
];
