import type { Database, Statement } from 'better-sqlite3';
import { type BytePath, toBytes } from '../../byte-path.js';
import type { Attributes } from '../../entry.js';
import { ATTRIBUTE_COLUMNS, attributes } from '../attribute-columns.js';
import type { ChangeKind, ChangeTallies } from '../records.js';
import type { KnownFile } from './file-table.js';
import { MARK_MOVED_BYTES } from './moved-bytes.js';
import { prepared } from './prepared.js';

type Value = number | bigint | string | Uint8Array | null;

const OLD = `${attributes('old_?')}, old_fingerprint, old_is_counted`;
const NEW = `${attributes('new_?')}, new_is_counted`;

/** Whether what stands under a name is another entry than before. */
const HOLDS_ANOTHER = `(kind IN ('modified', 'replaced')
  AND (old_inode <> new_inode OR old_mode >> 12 <> new_mode >> 12 OR old_born_ns <> new_born_ns))`;

/** The steps of {@link ChangeLog.pairRenames}. */
const PAIRING = [
  `INSERT INTO temp.leaving
     SELECT id, path, old_device, old_inode, old_mode >> 12, old_born_ns, old_size, old_mtime_ns,
       row_number() OVER (PARTITION BY old_device, old_inode, old_mode >> 12 ORDER BY path)
     FROM temp.found WHERE kind = 'removed' OR ${HOLDS_ANOTHER}`,
  `INSERT INTO temp.pairs
     WITH arriving AS (
       SELECT id, new_device, new_inode, new_mode >> 12 AS type, new_born_ns, new_size, new_mtime_ns,
         row_number() OVER (PARTITION BY new_device, new_inode, new_mode >> 12 ORDER BY path) AS place
       FROM temp.found
       WHERE (kind = 'new' OR ${HOLDS_ANOTHER}) AND new_inode IN (SELECT old_inode FROM temp.leaving)
     )
     SELECT leaving.id, arriving.id
     FROM arriving JOIN temp.leaving ON old_inode = new_inode AND old_device = new_device
       AND leaving.type = arriving.type AND leaving.place = arriving.place
     WHERE CASE WHEN old_born_ns IS NULL OR new_born_ns IS NULL
       THEN old_size = new_size AND old_mtime_ns = new_mtime_ns ELSE old_born_ns = new_born_ns END`,
  `INSERT INTO temp.found (kind, path, previous_path, ${OLD}, ${NEW})
     SELECT 'renamed', came.path, was.path, ${attributes('was.old_?')}, was.old_fingerprint, was.old_is_counted,
       ${attributes('came.new_?')}, came.new_is_counted
     FROM temp.pairs JOIN temp.found AS was ON was.id = left_id JOIN temp.found AS came ON came.id = came_id`,
  `INSERT INTO temp.found (kind, path, ${OLD}) SELECT 'removed', path, ${OLD} FROM temp.found
     WHERE kind IN ('modified', 'replaced') AND id IN (SELECT came_id FROM temp.pairs)
       AND id NOT IN (SELECT left_id FROM temp.pairs)`,
  `INSERT INTO temp.found (kind, path, ${NEW})
     SELECT 'new', path, ${NEW} FROM temp.found
     WHERE kind IN ('modified', 'replaced') AND id IN (SELECT left_id FROM temp.pairs)
       AND id NOT IN (SELECT came_id FROM temp.pairs)`,
  `DELETE FROM temp.found WHERE kind = 'replaced'
     OR id IN (SELECT left_id FROM temp.pairs UNION ALL SELECT came_id FROM temp.pairs)`,
  'DELETE FROM temp.pairs',
  'DELETE FROM temp.leaving',
] as const;

/** How a changed entry was and is; null where it was not or is no more. */
interface ChangedEntry {
  readonly before: (Attributes & Partial<Pick<KnownFile, 'fingerprint' | 'isCounted'>>) | null;
  readonly after: Attributes | null;
  /** Whether what is there now is in the sums, as far as is known before {@link HardLinks.recount}. */
  readonly isCounted?: boolean;
}

/**
 * Collects the changes of one scan in a temporary table (a scan may find millions), pairs what was renamed, and
 * writes the history in its final order.
 */
export class ChangeLog {
  readonly #insert: Statement<Value[]>;
  readonly #setCounted: Statement<[number, Uint8Array]>;
  /** Whether something may have left a name, or come to one, by a rename. */
  #mayLeave = false;
  #mayCome = false;

  constructor(private readonly database: Database) {
    const values = Array(6 + 2 * ATTRIBUTE_COLUMNS.length).fill('?');
    this.#insert = prepared(
      database,
      `INSERT INTO temp.found (kind, path, ${OLD}, ${NEW}, is_recount) VALUES (${values.join(', ')})`,
    );
    this.#setCounted = prepared(
      database,
      `UPDATE temp.found SET new_is_counted = ? WHERE id = (
         SELECT max(id) FROM temp.found WHERE path = ? AND new_links > 1)`,
    );
  }

  get isEmpty(): boolean {
    return prepared(this.database, 'SELECT 1 FROM temp.found LIMIT 1').get() === undefined;
  }

  /**
   * Notes a change. Renames are found later, by {@link pairRenames}. `replaced` says that a directory is another one
   * than before with the same permissions and owner, which is no change unless one of the two was renamed.
   */
  add(
    kind: Exclude<ChangeKind, 'renamed'> | 'replaced',
    path: BytePath,
    { before, after, isCounted = false }: ChangedEntry,
  ): void {
    const isAnother = kind === 'replaced' || (kind === 'modified' && !isSameEntry(before, after));
    this.#mayLeave ||= kind === 'removed' || isAnother;
    this.#mayCome ||= kind === 'new' || isAnother;
    this.#write(kind, path, before, { after, isCounted, isRecount: false });
  }

  /** Corrects whether a file with several names is in the sums now; false where no change of it was noted. */
  setCounted(path: BytePath, isCounted: boolean): boolean {
    return this.#setCounted.run(isCounted ? 1 : 0, toBytes(path)).changes > 0;
  }

  /** Notes that a file of which nothing else changed is in the sums now and was not before, or the other way round. */
  addRecount(path: BytePath, file: KnownFile): void {
    const { isCounted } = file;
    const before = { ...file, fingerprint: null, isCounted: !isCounted };
    this.#write('modified', path, before, { after: file, isCounted, isRecount: true });
  }

  /**
   * Turns what left one name and came under another into renames. Entries are the same when device, inode and type
   * are; an inode number is used again soon after its file is deleted, so the time of birth must agree too, and where
   * the file system tells none, size and modification time. Of an inode with several names, names pair in byte order.
   * A name that holds another entry than before was left by one and taken by the other: where either is paired, the
   * rest of it is a removal or a new entry.
   */
  pairRenames(): void {
    if (!this.#mayLeave || !this.#mayCome) return;
    for (const step of PAIRING) prepared(this.database, step).run();
  }

  /** Marks the bytes that count under another name of their inode than before, when the counts and the renames are known. */
  markMovedBytes(): void {
    prepared(this.database, MARK_MOVED_BYTES).run();
  }

  /** Writes the history: removals before the rest, so that a name that changed its type can be replayed in order. */
  publish(scan: number, recordedAt: number): void {
    prepared(
      this.database,
      `INSERT INTO file_changes (scan_id, recorded_at, kind, path, previous_path, ${OLD}, ${NEW}, is_recount,
           moved_bytes)
         SELECT ?, ?, kind, path, previous_path, ${OLD}, ${NEW}, is_recount, moved_bytes FROM temp.found
         ORDER BY CASE kind WHEN 'removed' THEN 0 WHEN 'renamed' THEN 1 ELSE 2 END, path`,
    ).run(scan, recordedAt);
  }

  /** Writes each change of a file that {@link publish} wrote to the log that followers of events read, in that order. */
  publishMutations(scan: number, recordedAt: number): void {
    prepared(
      this.database,
      `INSERT INTO mutation_log (recorded_at, kind, path, previous_path, scan_id, change)
         SELECT recorded_at, kind, path, previous_path, scan_id, sequence FROM file_changes
         WHERE recorded_at = ? AND scan_id = ? AND is_recount = 0 ORDER BY sequence`,
    ).run(recordedAt, scan);
  }

  /** Counts what was found. */
  tallies(): ChangeTallies {
    const rows = prepared<[], { kind: ChangeKind; isDirectory: number; files: number; bytes: number }>(
      this.database,
      `SELECT kind, coalesce(new_mode, old_mode) >> 12 = 4 AS isDirectory, sum(is_recount = 0) AS files,
           coalesce(sum(CASE WHEN is_recount = 1 THEN 0
             WHEN kind = 'modified' THEN new_size * new_is_counted - old_size * old_is_counted - moved_bytes
             WHEN kind = 'removed' THEN old_size * old_is_counted + moved_bytes
             ELSE new_size * new_is_counted - moved_bytes END), 0) AS bytes
         FROM temp.found GROUP BY 1, 2`,
    ).all();
    const tally = (kind: ChangeKind) => {
      const row = rows.find((row) => row.kind === kind && row.isDirectory === 0);
      return { files: row?.files ?? 0, bytes: row?.bytes ?? 0 };
    };
    const directories = (kind: ChangeKind) =>
      rows.find((row) => row.kind === kind && row.isDirectory === 1)?.files ?? 0;
    return {
      new: tally('new'),
      modified: tally('modified'),
      renamed: tally('renamed'),
      removed: tally('removed'),
      newDirectories: directories('new'),
      removedDirectories: directories('removed'),
    };
  }

  /** Forgets what was collected. */
  clear(): void {
    prepared(this.database, 'DELETE FROM temp.found').run();
  }

  #write(
    kind: string,
    path: BytePath,
    before: ChangedEntry['before'],
    { after, isCounted, isRecount }: Written,
  ): void {
    this.#insert.run(
      kind,
      toBytes(path),
      ...values(before),
      before?.fingerprint ?? null,
      before?.isCounted ? 1 : 0,
      ...values(after),
      isCounted ? 1 : 0,
      isRecount ? 1 : 0,
    );
  }
}

/** What {@link ChangeLog} writes of a change beside what was there before. */
interface Written extends Required<Pick<ChangedEntry, 'after' | 'isCounted'>> {
  readonly isRecount: boolean;
}

/** As {@link HOLDS_ANOTHER}, but that times of birth may be unknown. */
function isSameEntry(before: Attributes | null, after: Attributes | null): boolean {
  if (before?.inode !== after?.inode || before?.bornNs !== after?.bornNs) return false;
  return (before?.mode ?? 0) >> 12 === (after?.mode ?? 0) >> 12;
}

function values(attributes: Attributes | null): Value[] {
  if (!attributes) return ATTRIBUTE_COLUMNS.map(() => null);
  const { mode, uid, gid, links, device, inode, size, allocated, mtimeNs, ctimeNs, bornNs } = attributes;
  return [mode, uid, gid, links, device, inode, size, allocated, mtimeNs, ctimeNs, bornNs];
}
