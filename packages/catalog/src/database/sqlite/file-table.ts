import type { Database, Statement } from 'better-sqlite3';
import { type ByteName, nameFromBytes, toBytes } from '../../byte-path.js';
import type { Entry } from '../../entry.js';
import { type PackedEntry, packedEntry } from '../../listing/directory-listing.js';
import type { EarlierFile } from '../earlier-file.js';
import { PACKED_FIELDS } from './packed-row.js';
import { prepared } from './prepared.js';

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

type Value = number | bigint | Uint8Array | null;

const EARLIER = `${PACKED_FIELDS}, is_counted, fingerprint`;

/** A row as {@link EARLIER}. */
type EarlierRow = [fields: string, isCounted: number, fingerprint: Buffer | null];

/** The rows of `files`. */
export class FileTable {
  readonly #insertMany: Statement<Value[]>;
  readonly #insertOne: Statement<Value[]>;
  readonly #update: Statement<Value[]>;
  readonly #delete: Statement<[number, Uint8Array]>;
  readonly #deleteAll: Statement<[number]>;
  readonly #largest: Statement<[number], number>;
  readonly #selectOne: Statement<[number, number, Uint8Array], EarlierRow>;
  readonly #selectPage: Statement<[number, number, Uint8Array, number], [name: Buffer, ...EarlierRow]>;
  readonly #queue: Value[] = Array<Value>(ROWS_PER_INSERT * COLUMN_COUNT).fill(null);
  #queued = 0;

  constructor(database: Database) {
    const row = `(${Array(COLUMN_COUNT).fill('?').join(',')})`;
    const insert = (rows: number) =>
      prepared<Value[]>(database, `INSERT INTO files (${COLUMNS}) VALUES ${Array(rows).fill(row).join(',')}`);
    this.#insertMany = insert(ROWS_PER_INSERT);
    this.#insertOne = insert(1);
    this.#update = prepared(
      database,
      `UPDATE files SET mode = ?, uid = ?, gid = ?, links = ?, device = ?, inode = ?, size = ?, allocated = ?,
         mtime_ns = ?, ctime_ns = ?, born_ns = ?, is_counted = ?, fingerprint = ?
       WHERE directory_id = ? AND name = ?`,
    );
    this.#delete = prepared(database, 'DELETE FROM files WHERE directory_id = ? AND name = ?');
    this.#deleteAll = prepared(database, 'DELETE FROM files WHERE directory_id = ?');
    this.#largest = prepared<[number], number>(
      database,
      'SELECT coalesce(max(size), 0) FROM files WHERE directory_id = ?',
    ).pluck();
    this.#selectOne = prepared<[number, number, Uint8Array], EarlierRow>(
      database,
      `SELECT ${EARLIER} FROM files WHERE directory_id = ? AND name = ?`,
    ).raw();
    this.#selectPage = prepared<[number, number, Uint8Array, number], [name: Buffer, ...EarlierRow]>(
      database,
      `SELECT name, ${EARLIER} FROM files WHERE directory_id = ? AND name > ? ORDER BY name LIMIT ?`,
    ).raw();
  }

  /** Queues the insertion of a new row; {@link flush} writes what is queued. */
  insertPacked(directory: number, directoryDevice: number, entry: PackedEntry): void {
    const { device, links } = entry;
    const queue = this.#queue;
    const at = this.#queued;
    queue[at] = directory;
    queue[at + 1] = entry.nameBytes;
    queue[at + 2] = entry.mode;
    queue[at + 3] = entry.uid;
    queue[at + 4] = entry.gid;
    queue[at + 5] = links;
    queue[at + 6] = device === directoryDevice ? null : device;
    queue[at + 7] = entry.inode;
    queue[at + 8] = entry.size;
    queue[at + 9] = entry.allocated;
    queue[at + 10] = entry.mtimeNs;
    queue[at + 11] = entry.ctimeNs;
    queue[at + 12] = entry.bornNs;
    queue[at + 13] = links === 1 ? 1 : 0;
    this.#queued = at + COLUMN_COUNT;
    if (this.#queued < queue.length) return;
    this.#queued = 0;
    // As arguments, not as one array: the binding reads each element of an array through a property look-up.
    this.#insertMany.run(...queue);
  }

  /** Inserts a new row. A file with several links is not counted yet. */
  insert(directory: number, directoryDevice: number, entry: Entry): void {
    const counted = entry.links === 1 ? 1 : 0;
    this.#insertOne.run(directory, toBytes(entry.name), ...fields(entry, directoryDevice), counted);
  }

  /** Replaces a row's fields. */
  update(
    directory: number,
    directoryDevice: number,
    entry: Entry,
    { isCounted, fingerprint }: Pick<KnownFile, 'isCounted' | 'fingerprint'>,
  ): void {
    const counted = isCounted ? 1 : 0;
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

  /** Length of the largest file directly in a directory; 0 without any. */
  largest(directory: number): number {
    return this.#largest.get(directory) ?? 0;
  }

  /** A file of a directory; its device, where not stored, is `directoryDevice`. */
  earlier(directory: number, directoryDevice: number, name: Uint8Array): EarlierFile | undefined {
    const row = this.#selectOne.get(directoryDevice, directory, name);
    return row && earlierFile(row);
  }

  /** As {@link earlier}, with every field as a value. */
  known(directory: number, directoryDevice: number, name: Uint8Array): KnownFile | undefined {
    const earlier = this.earlier(directory, directoryDevice, name);
    return earlier && knownFile(nameFromBytes(name), earlier);
  }

  /** At most `limit` files of a directory behind a name, in byte order; their device, where not stored, is `directoryDevice`. */
  knownAfter(directory: number, directoryDevice: number, after: string, limit: number): KnownFile[] {
    const rows = this.#selectPage.all(directoryDevice, directory, Buffer.from(after, 'latin1'), limit);
    return rows.map(([name, ...row]) => knownFile(nameFromBytes(name), earlierFile(row)));
  }

  /** Writes queued insertions. */
  flush(): void {
    for (let at = 0; at < this.#queued; at += COLUMN_COUNT) {
      this.#insertOne.run(...this.#queue.slice(at, at + COLUMN_COUNT));
    }
    this.#queued = 0;
  }
}

function earlierFile([fields, isCounted, fingerprint]: EarlierRow): EarlierFile {
  return { fields: packedEntry(Buffer.from(fields, 'hex')), isCounted: isCounted === 1, fingerprint };
}

/** A file as the catalog has it, with every field as a value. */
export function knownFile(name: ByteName, { fields, isCounted, fingerprint }: EarlierFile): KnownFile {
  const { mode, uid, gid, links, device, inode, size, allocated, mtimeNs, ctimeNs, bornNs } = fields;
  return {
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
    isCounted,
    fingerprint,
  };
}

function fields(entry: Entry, directoryDevice: number): Value[] {
  const { mode, uid, gid, links, device, inode, size, allocated, mtimeNs, ctimeNs, bornNs } = entry;
  const stored = device === directoryDevice ? null : device;
  return [mode, uid, gid, links, stored, inode, size, allocated, mtimeNs, ctimeNs, bornNs];
}
