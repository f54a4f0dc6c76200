import type { Database, Statement } from 'better-sqlite3';
import { type BytePath, childPath, nameFromBytes, pathFromBytes } from '../../byte-path.js';
import { prepared } from './prepared.js';

interface Place {
  readonly parent: number;
  readonly name: Buffer;
}

/** Paths that stay in memory. */
const MAX_KNOWN = 100_000;

/** Finds the paths of directories by their numbers, as long as nothing moves. */
export class PathsByNumber {
  readonly #known = new Map<number, BytePath>();
  readonly #place: Statement<[number], Place>;

  constructor(database: Database) {
    this.#place = prepared(database, 'SELECT parent_id AS parent, name FROM directories WHERE id = ?');
  }

  /** The path of a directory; undefined where none has this number. */
  of(id: number): BytePath | undefined {
    const found = this.#known.get(id);
    if (found !== undefined) return found;
    const place = this.#place.get(id);
    if (!place) return undefined;
    const above = place.parent === 0 ? undefined : this.of(place.parent);
    const path =
      above === undefined ? pathFromBytes(place.name) : childPath(above, nameFromBytes(place.name));
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(id, path);
    return path;
  }
}
