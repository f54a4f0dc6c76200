import type { Database, Statement } from 'better-sqlite3';
import { type ByteName, nameFromBytes } from '../../byte-path.js';
import type { Attributes } from '../../entry.js';
import { attributes } from '../attribute-columns.js';
import { type AttributeRow, attributesFromRow } from '../row-mapping.js';
import { prepared } from './prepared.js';

type Value = number | bigint | Uint8Array | null;

/** A difference of the sums over a directory's own entries. */
interface OwnDelta {
  readonly files: number;
  readonly bytes: number;
  /** Bytes on the disk of the files and of the directory itself. */
  readonly allocated: number;
}

/** Sums over a directory's own entries. */
export interface OwnSums extends OwnDelta {
  /** Largest size of a file. */
  readonly largest: number;
}

/** A child directory by number and name. */
export interface ChildDirectory {
  readonly id: number;
  readonly name: ByteName;
}

/** What identifies a directory in the catalog, with the digest of its last listing; null before the first. */
interface FoundDirectory {
  readonly id: number;
  readonly digest: Buffer | null;
}

/** Totals of a whole subtree, the directory at its top included. */
interface SubtreeTotals {
  readonly files: number;
  readonly directories: number;
  readonly bytes: number;
  readonly allocated: number;
}

const ATTRIBUTES = attributes();

/** Parents that are kept in memory. */
const MAX_PARENTS = 200_000;

/** The rows of `directories`. */
export class DirectoryTable {
  readonly #find: Statement<[number, Uint8Array], { id: number; listing_digest: Buffer | null }>;
  readonly #insert: Statement<Value[]>;
  readonly #place: Statement<[number, number, Uint8Array]>;
  readonly #fill: Statement<Value[]>;
  readonly #renew: Statement<[Uint8Array, number, number, number, number, number]>;
  readonly #setAttributes: Statement<Value[]>;
  readonly #addOwn: Statement<[number, number, number, number]>;
  readonly #attributes: Statement<[number], AttributeRow>;
  readonly #children: Statement<[number], { id: number; name: Buffer }>;
  readonly #totals: Statement<[number], SubtreeTotals>;
  readonly #parent: Statement<[number], number>;
  readonly #move: Statement<[number, Uint8Array, number]>;
  readonly #delete: Statement<[number]>;
  /** The greatest number before the session, and by now. */
  readonly #known: number;
  #last: number;
  /** Parents of directories that the session has found, by number: {@link parentOf} asks for most of them again. */
  readonly #parents = new Map<number, number>();

  constructor(database: Database) {
    this.#known = prepared(database, 'SELECT coalesce(max(id), 0) FROM directories').pluck().get() as number;
    this.#last = this.#known;
    this.#find = prepared(
      database,
      'SELECT id, listing_digest FROM directories WHERE parent_id = ? AND name = ?',
    );
    const values = Array(22).fill('?').join(', ');
    this.#insert = prepared(
      database,
      `INSERT INTO directories (id, parent_id, name, listing_digest, ${ATTRIBUTES}, largest_file, own_files,
         own_bytes, own_allocated, total_files, total_bytes, total_allocated) VALUES (${values})`,
    );
    this.#place = prepared(database, 'INSERT INTO directories (id, parent_id, name) VALUES (?, ?, ?)');
    this.#fill = prepared(
      database,
      `UPDATE directories SET listing_digest = ?, mode = ?, uid = ?, gid = ?, links = ?, device = ?, inode = ?,
         size = ?, allocated = ?, mtime_ns = ?, ctime_ns = ?, born_ns = ?, largest_file = ? WHERE id = ?`,
    );
    this.#renew = prepared(
      database,
      `UPDATE directories SET listing_digest = ?, largest_file = ?, own_files = own_files + ?,
         own_bytes = own_bytes + ?, own_allocated = own_allocated + ? WHERE id = ?`,
    );
    this.#setAttributes = prepared(
      database,
      `UPDATE directories SET mode = ?, uid = ?, gid = ?, links = ?, device = ?, inode = ?, size = ?, allocated = ?,
         mtime_ns = ?, ctime_ns = ?, born_ns = ? WHERE id = ?`,
    );
    this.#addOwn = prepared(
      database,
      `UPDATE directories SET own_files = own_files + ?, own_bytes = own_bytes + ?, own_allocated = own_allocated + ?
       WHERE id = ?`,
    );
    this.#attributes = prepared<[number], AttributeRow>(
      database,
      `SELECT ${ATTRIBUTES} FROM directories WHERE id = ?`,
    ).safeIntegers();
    this.#children = prepared(database, 'SELECT id, name FROM directories WHERE parent_id = ?');
    this.#totals = prepared(
      database,
      `SELECT total_files AS files, total_directories + 1 AS directories, total_bytes AS bytes,
         total_allocated AS allocated FROM directories WHERE id = ?`,
    );
    this.#parent = prepared<[number], number>(
      database,
      'SELECT parent_id FROM directories WHERE id = ?',
    ).pluck();
    this.#move = prepared(database, 'UPDATE directories SET parent_id = ?, name = ? WHERE id = ?');
    this.#delete = prepared(database, 'DELETE FROM directories WHERE id = ?');
  }

  /** The directory of that name below a parent (0: a root, by its whole path). */
  find(parent: number, name: Uint8Array): FoundDirectory | undefined {
    const row = this.#find.get(parent, name);
    if (!row) return undefined;
    if (this.#parents.size < MAX_PARENTS) this.#parents.set(row.id, parent);
    return { id: row.id, digest: row.listing_digest };
  }

  /** Whether the session has made this directory. */
  isFresh(id: number): boolean {
    return id > this.#known;
  }

  /** Adds a row without knowing anything but its place. */
  place(parent: number, name: Uint8Array): number {
    this.#place.run(++this.#last, parent, name);
    return this.#last;
  }

  /** Adds a row with all it holds; its totals are its own sums until something is added below it. */
  insert(
    parent: number,
    name: Uint8Array,
    { digest, attributes, own }: { digest: Uint8Array | null; attributes: Attributes; own: OwnSums },
  ): number {
    const { files, bytes, allocated, largest } = own;
    const sums = [largest, files, bytes, allocated, files, bytes, allocated];
    this.#insert.run(++this.#last, parent, name, digest, ...attributeValues(attributes), ...sums);
    return this.#last;
  }

  /** Sets what the last look at a directory told. */
  fill(id: number, digest: Uint8Array | null, attributes: Attributes, largest: number): void {
    this.#fill.run(digest, ...attributeValues(attributes), largest, id);
  }

  /** Sets what the last look at a directory told of which only files changed, and adds to its own sums. */
  renew(id: number, digest: Uint8Array, largest: number, delta: OwnDelta): void {
    this.#renew.run(digest, largest, delta.files, delta.bytes, delta.allocated, id);
  }

  /** Sets a directory's own attributes where its content could not be read. */
  setAttributes(id: number, attributes: Attributes): void {
    this.#setAttributes.run(...attributeValues(attributes), id);
  }

  /** Adds to a directory's own sums. */
  addOwn(id: number, delta: OwnDelta): void {
    this.#addOwn.run(delta.files, delta.bytes, delta.allocated, id);
  }

  /** A directory's own attributes. */
  attributes(id: number): Attributes {
    const row = this.#attributes.get(id);
    if (!row) throw new RangeError(`no directory has the number ${id}`);
    return attributesFromRow(row);
  }

  /** Directories directly below one. */
  children(id: number): ChildDirectory[] {
    return this.#children.all(id).map((row) => ({ id: row.id, name: nameFromBytes(row.name) }));
  }

  /** What a subtree counts for in the totals of the directories above it. */
  totals(id: number): SubtreeTotals {
    return this.#totals.get(id) ?? { files: 0, directories: 0, bytes: 0, allocated: 0 };
  }

  /** The directory above one, 0 above a root; undefined where the directory is not there any more. */
  parentOf(id: number): number | undefined {
    return this.#parents.get(id) ?? this.#parent.get(id);
  }

  /** Hangs a directory, with all below it, under another parent. */
  move(id: number, parent: number, name: Uint8Array): void {
    this.#parents.delete(id);
    this.#move.run(parent, name, id);
  }

  delete(id: number): void {
    this.#parents.delete(id);
    this.#delete.run(id);
  }

  /** Roots of scanned trees: number and whole path. */
  roots(): ChildDirectory[] {
    return this.children(0);
  }
}

function attributeValues(attributes: Attributes): Value[] {
  const { mode, uid, gid, links, device, inode, size, allocated, mtimeNs, ctimeNs, bornNs } = attributes;
  return [mode, uid, gid, links, device, inode, size, allocated, mtimeNs, ctimeNs, bornNs];
}
