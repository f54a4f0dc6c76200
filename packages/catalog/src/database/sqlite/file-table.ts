import type { Database, Statement } from 'better-sqlite3';
import { type ByteName, nameFromBytes, toBytes } from '../../byte-path.js';
import type { Entry } from '../../entry.js';
import type { PackedEntry } from '../../listing/directory-listing.js';

/** A file as the catalog has it. */
export interface KnownFile extends Entry {
  /** Whether its size is in the sums; of the names of one inode only one is. */
  readonly isCounted: boolean;
  readonly fingerprint: Uint8Array | null;
}

/** Rows a statement inserts: beyond about 50 nothing is gained. */
const ROWS_PER_INSERT = 50;

const COLUMNS =
  'directory_id, name, mode, uid, gid, links, device, inode, size, allocated, mtime_ns, ctime_ns, born_ns, is_counted';
const COLUMN_COUNT = 14;
const KNOWN_COLUMNS =
  'name, mode, uid, gid, links, device, inode, size, allocated, mtime_ns, ctime_ns, born_ns, is_counted, fingerprint';

type Value = number | bigint | Uint8Array | null;
type KnownRow = [
  name: Buffer,
  mode: bigint,
  uid: bigint,
  gid: bigint,
  links: bigint,
  device: bigint | null,
  inode: bigint,
  size: bigint,
  allocated: bigint,
  mtimeNs: bigint,
  ctimeNs: bigint,
  bornNs: bigint | null,
  isCounted: bigint,
  fingerprint: Buffer | null,
];

/** The rows of `files`. */
export class FileTable {
  readonly #insertMany: Statement<[Value[]]>;
  readonly #insertOne: Statement<[Value[]]>;
  readonly #update: Statement<Value[]>;
  readonly #delete: Statement<[number, Uint8Array]>;
  readonly #deleteAll: Statement<[number]>;
  readonly #selectPage: Statement<[number, Uint8Array, number], KnownRow>;
  #queue: Value[] = [];

  constructor(database: Database) {
    const row = `(${Array(COLUMN_COUNT).fill('?').join(',')})`;
    const insert = (rows: number) =>
      database.prepare<[Value[]]>(`INSERT INTO files (${COLUMNS}) VALUES ${Array(rows).fill(row).join(',')}`);
    this.#insertMany = insert(ROWS_PER_INSERT);
    this.#insertOne = insert(1);
    this.#update = database.prepare(
      `UPDATE files SET mode = ?, uid = ?, gid = ?, links = ?, device = ?, inode = ?, size = ?, allocated = ?,
         mtime_ns = ?, ctime_ns = ?, born_ns = ?, is_counted = ?, fingerprint = ?
       WHERE directory_id = ? AND name = ?`,
    );
    this.#delete = database.prepare('DELETE FROM files WHERE directory_id = ? AND name = ?');
    this.#deleteAll = database.prepare('DELETE FROM files WHERE directory_id = ?');
    this.#selectPage = database
      .prepare<[number, Uint8Array, number], KnownRow>(
        `SELECT ${KNOWN_COLUMNS} FROM files WHERE directory_id = ? AND name > ? ORDER BY name LIMIT ?`,
      )
      .raw()
      .safeIntegers();
  }

  /** Queues the insertion of a new row; {@link flush} writes what is queued. */
  insertPacked(directory: number, directoryDevice: number, entry: PackedEntry): void {
    const { device, links } = entry;
    const queue = this.#queue;
    queue.push(directory, entry.nameBytes, entry.mode, entry.uid, entry.gid, links);
    queue.push(device === directoryDevice ? null : device, entry.inode, entry.size, entry.allocated);
    queue.push(entry.mtimeNs, entry.ctimeNs, entry.bornNs, links === 1 ? 1 : 0);
    if (queue.length === ROWS_PER_INSERT * COLUMN_COUNT) {
      this.#insertMany.run(queue);
      this.#queue = [];
    }
  }

  /** Inserts a new row. A file with several links is not counted yet. */
  insert(directory: number, directoryDevice: number, entry: Entry): void {
    const counted = entry.links === 1 ? 1 : 0;
    this.#insertOne.run([directory, toBytes(entry.name), ...fields(entry, directoryDevice), counted]);
  }

  /** Replaces a row's fields. A file with several links is not counted then. */
  update(directory: number, directoryDevice: number, entry: Entry, fingerprint: Uint8Array | null): void {
    const counted = entry.links === 1 ? 1 : 0;
    this.#update.run(...fields(entry, directoryDevice), counted, fingerprint, directory, toBytes(entry.name));
  }

  delete(directory: number, name: ByteName): void {
    this.#delete.run(directory, toBytes(name));
  }

  /** Deletes all files directly in a directory. */
  deleteAll(directory: number): void {
    this.flush();
    this.#deleteAll.run(directory);
  }

  /** At most `limit` files of a directory behind a name, in byte order; their device, where not stored, is `directoryDevice`. */
  knownAfter(directory: number, directoryDevice: number, after: string, limit: number): KnownFile[] {
    const rows = this.#selectPage.all(directory, Buffer.from(after, 'latin1'), limit);
    return rows.map((row) => toKnownFile(row, directoryDevice));
  }

  /** Writes queued insertions. */
  flush(): void {
    for (let at = 0; at < this.#queue.length; at += COLUMN_COUNT) {
      this.#insertOne.run(this.#queue.slice(at, at + COLUMN_COUNT));
    }
    this.#queue = [];
  }
}

function fields(entry: Entry, directoryDevice: number): Value[] {
  const { mode, uid, gid, links, device, inode, size, allocated, mtimeNs, ctimeNs, bornNs } = entry;
  const stored = device === directoryDevice ? null : device;
  return [mode, uid, gid, links, stored, inode, size, allocated, mtimeNs, ctimeNs, bornNs];
}

function toKnownFile(row: KnownRow, directoryDevice: number): KnownFile {
  const [
    name,
    mode,
    uid,
    gid,
    links,
    device,
    inode,
    size,
    allocated,
    mtimeNs,
    ctimeNs,
    bornNs,
    counted,
    print,
  ] = row;
  return {
    name: nameFromBytes(name),
    mode: Number(mode),
    uid: Number(uid),
    gid: Number(gid),
    links: Number(links),
    device: device === null ? directoryDevice : Number(device),
    inode,
    size: Number(size),
    allocated: Number(allocated),
    mtimeNs,
    ctimeNs,
    bornNs,
    isCounted: counted === 1n,
    fingerprint: print,
  };
}
