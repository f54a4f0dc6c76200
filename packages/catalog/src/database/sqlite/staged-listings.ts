import type { Database, Statement } from 'better-sqlite3';
import { type ByteName, nameFromBytes } from '../../byte-path.js';
import type { Entry } from '../../entry.js';
import { type DirectoryListing, entryFromPacked } from '../../listing/directory-listing.js';
import { prepared } from './prepared.js';

const TABLES = ['arrived', 'staged'] as const;

/** Entries that are put in their places at once: about 10 MB, where the cache of temporary tables has 16. */
const FEW = 50_000;

type Kind = 'file' | 'directory' | 'unknown';

/** A page of a staged listing, in byte order. */
interface StagedPage {
  readonly entries: readonly Entry[];
  readonly undecided: ReadonlySet<ByteName>;
}

/**
 * Where the parts of very large directories wait until the last one has come: in a temporary table, so that memory does
 * not grow with the directory. The first names are put in their places as they come; more than SQLite keeps in memory
 * are sorted at the end, as a whole: file systems list them in an order of their own, and putting millions of them in
 * their places one by one reads and writes a page of the table for each.
 */
export class StagedListings {
  readonly #place: Statement<[number, Uint8Array, Kind, Uint8Array | null]>;
  readonly #append: Statement<[number, Uint8Array, Kind, Uint8Array | null]>;
  readonly #sort: Statement<[number]>;
  readonly #clear: readonly Statement<[number]>[];
  readonly #boundary: Statement<[number, Uint8Array, number], Buffer>;
  readonly #page: Statement<
    [number, Uint8Array, Uint8Array],
    { name: Buffer; kind: Kind; packed: Buffer | null }
  >;
  readonly #missing: Statement<[number, number], { id: number; name: Buffer }>;
  /** How many entries of which directory wait. */
  readonly #staged = new Map<number, number>();

  constructor(private readonly database: Database) {
    this.#place = prepared(database, 'INSERT OR REPLACE INTO temp.staged VALUES (?, ?, ?, ?)');
    this.#append = prepared(
      database,
      'INSERT INTO temp.arrived (directory_id, name, kind, packed) VALUES (?, ?, ?, ?)',
    );
    // A name that was listed twice counts as it was listed last.
    this.#sort = prepared(
      database,
      `INSERT OR REPLACE INTO temp.staged SELECT directory_id, name, kind, packed FROM temp.arrived
       WHERE directory_id = ? ORDER BY name, id`,
    );
    this.#clear = TABLES.map((table) =>
      prepared(database, `DELETE FROM temp.${table} WHERE directory_id = ?`),
    );
    this.#boundary = prepared<[number, Uint8Array, number], Buffer>(
      database,
      'SELECT name FROM temp.staged WHERE directory_id = ? AND name > ? ORDER BY name LIMIT 1 OFFSET ?',
    ).pluck();
    this.#page = prepared(
      database,
      'SELECT name, kind, packed FROM temp.staged WHERE directory_id = ? AND name > ? AND name <= ? ORDER BY name',
    );
    this.#missing = prepared(
      database,
      `SELECT id, name FROM directories WHERE parent_id = ?
       AND name NOT IN (SELECT name FROM temp.staged WHERE directory_id = ? AND kind <> 'file')`,
    );
  }

  /** Whether parts of a directory are waiting. */
  has(directory: number): boolean {
    return this.#staged.has(directory);
  }

  /** Adds a part. */
  add(directory: number, part: DirectoryListing): void {
    const waiting = this.#staged.get(directory) ?? 0;
    this.#staged.set(directory, waiting + part.entryCount);
    const insert = waiting < FEW ? this.#place : this.#append;
    part.visit({
      file: (entry) => insert.run(directory, entry.nameBytes, 'file', entry.packedBytes),
      directory: (name) => insert.run(directory, Buffer.from(name, 'latin1'), 'directory', null),
      problem: ({ name, kind }) => {
        if (kind === 'unknown') insert.run(directory, Buffer.from(name, 'latin1'), 'unknown', null);
      },
    });
  }

  /** Sorts the parts of a directory, all of which have come; what follows reads them. */
  sort(directory: number): void {
    this.#sort.run(directory);
  }

  /** The name that stands `count` places behind `after`; undefined when the listing ends before. */
  boundary(directory: number, after: string, count: number): ByteName | undefined {
    const name = this.#boundary.get(directory, Buffer.from(after, 'latin1'), count);
    return name && nameFromBytes(name);
  }

  /** Entries behind `after` up to and including `last` (undefined: to the end). */
  page(directory: number, after: string, last: ByteName | undefined): StagedPage {
    const upTo = last === undefined ? Buffer.alloc(256, 0xff) : Buffer.from(last, 'latin1');
    const entries: Entry[] = [];
    const undecided = new Set<ByteName>();
    for (const { name, kind, packed } of this.#page.all(directory, Buffer.from(after, 'latin1'), upTo)) {
      if (packed) entries.push(entryFromPacked(packed));
      else if (kind === 'unknown') undecided.add(nameFromBytes(name));
    }
    return { entries, undecided };
  }

  /** Directories of the catalog that the staged listing of their parent lacks. */
  missingChildren(directory: number): { readonly id: number; readonly name: ByteName }[] {
    return this.#missing.all(directory, directory).map(({ id, name }) => ({ id, name: nameFromBytes(name) }));
  }

  /** Forgets the parts of a directory. */
  forget(directory: number): void {
    this.#staged.delete(directory);
    for (const statement of this.#clear) statement.run(directory);
  }

  /** Forgets everything. */
  clear(): void {
    this.#staged.clear();
    for (const table of TABLES) prepared(this.database, `DELETE FROM temp.${table}`).run();
  }
}
