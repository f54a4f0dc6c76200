import { statSync } from 'node:fs';
import type { Database } from 'better-sqlite3';
import { openForReading } from './open-database.js';

/** Connections that stay open while nobody reads. A watch asks after each batch, one question at a time. */
const MAX_IDLE = 2;

/** A connection for reading, one reader's at a time. */
interface ReadConnection {
  readonly database: Database;
  /** Which file it has open: by now another one may stand under the name. */
  readonly file: string;
}

/**
 * Connections for reading, used again: opening one, which reads the schema, and preparing statements take longer than
 * most questions.
 */
export class ReadConnections {
  #idle: ReadConnection[] = [];

  constructor(private readonly path: string) {}

  /** A connection, until {@link give} takes it back. Throws {@link CatalogError} as {@link openForReading} does. */
  take(): ReadConnection {
    const file = this.#identity();
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      if (idle.file === file) return idle;
      idle.database.close();
    }
    return { database: openForReading(this.path), file };
  }

  /** Takes a connection back. One on which something failed is closed. */
  give(connection: ReadConnection, { hasFailed = false } = {}): void {
    if (hasFailed || this.#idle.length >= MAX_IDLE) connection.database.close();
    else this.#idle.push(connection);
  }

  /** Closes those that nobody uses. */
  close(): void {
    for (const { database } of this.#idle) database.close();
    this.#idle = [];
  }

  #identity(): string {
    const stat = statSync(this.path, { throwIfNoEntry: false });
    return stat ? `${stat.dev} ${stat.ino}` : '';
  }
}
