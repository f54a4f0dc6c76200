import type { Database, Statement } from 'better-sqlite3';
import type { DirectoryBounds } from '../../listing/directory-bounds.js';
import { boundColumns, widenedBounds } from '../bound-columns.js';
import { prepared } from './prepared.js';

/** The rows of `directory_bounds`. */
export class BoundsTable {
  readonly #set: Statement<(number | bigint)[]>;
  readonly #widen: Statement<(number | bigint)[]>;
  readonly #delete: Statement<[number]>;

  constructor(database: Database) {
    const row = `INTO directory_bounds (directory_id, ${boundColumns()}) VALUES (?, ${boundColumns().replace(/\w+/g, '?')})`;
    const widened = widenedBounds({ least: 'min', greatest: 'max' });
    this.#set = prepared(database, `INSERT OR REPLACE ${row}`);
    this.#widen = prepared(database, `INSERT ${row} ON CONFLICT (directory_id) DO UPDATE SET ${widened}`);
    this.#delete = prepared(database, 'DELETE FROM directory_bounds WHERE directory_id = ?');
  }

  /** Sets the bounds of a directory all of whose files were seen. */
  set(directory: number, bounds: DirectoryBounds): void {
    this.#set.run(directory, ...bounds);
  }

  /** Lets the bounds of a directory of which a part was seen, which may have none yet, hold these too. */
  widen(directory: number, bounds: DirectoryBounds): void {
    this.#widen.run(directory, ...bounds);
  }

  delete(directory: number): void {
    this.#delete.run(directory);
  }
}
