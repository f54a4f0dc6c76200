import type { Database, Statement } from 'better-sqlite3';
import { type BytePath, splitPath, toBytes } from '../../byte-path.js';
import { prepared } from './prepared.js';
import { findDirectory } from './read-directories.js';

/** What the catalog has at a path. */
interface FoundDigest {
  readonly id: number;
  /** Null where the directory has never been read. */
  readonly digest: Buffer | null;
}

/** Numbers of directories that stay in memory: those that the next paths of a crawl lie in. */
const MAX_CACHED = 50_000;

/** Finds directories with the digests of their listings by path, in the state of the moment. */
export class DigestLookup {
  readonly #find: Statement<[number, Uint8Array], FoundDigest>;
  readonly #read: Statement<[number], FoundDigest>;
  readonly #parents = new Map<BytePath, number>();

  constructor(private readonly database: Database) {
    this.#find = prepared(
      database,
      'SELECT id, listing_digest AS digest FROM directories WHERE parent_id = ? AND name = ?',
    );
    this.#read = prepared(database, 'SELECT id, listing_digest AS digest FROM directories WHERE id = ?');
  }

  /** What is at a path; undefined when nothing is known of it. */
  at(path: BytePath): FoundDigest | undefined {
    const split = splitPath(path);
    const parent = split && this.#parent(split.parent);
    if (parent !== undefined) return this.#find.get(parent, toBytes(split?.name ?? path));
    // The top of a tree has no parent in the catalog.
    const id = findDirectory(this.database, path);
    return id === undefined ? undefined : this.#read.get(Number(id));
  }

  /** Forgets numbers, which others may have taken out of the catalog meanwhile. */
  forget(): void {
    this.#parents.clear();
  }

  #parent(path: BytePath): number | undefined {
    const cached = this.#parents.get(path);
    if (cached !== undefined) return cached;
    const id = findDirectory(this.database, path);
    if (id === undefined) return undefined;
    if (this.#parents.size >= MAX_CACHED) this.#parents.clear();
    this.#parents.set(path, Number(id));
    return Number(id);
  }
}
