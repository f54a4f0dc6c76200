import type { Database } from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import type { QueryDatabase } from '../query-database.js';
import type { CatalogTables } from '../tables.js';
import { openForReading, openForWriting, translated, translating } from './open-database.js';

/** The tables of a catalog in one SQLite file. */
class SqliteQueries implements QueryDatabase {
  readonly tables: Kysely<CatalogTables>;

  constructor(
    private readonly file: string,
    reading: Database,
  ) {
    this.tables = builder(reading);
  }

  async write<Result>(work: (tables: Kysely<CatalogTables>) => Promise<Result>): Promise<Result> {
    const database = openForWriting(this.file);
    database.defaultSafeIntegers(true);
    try {
      // IMMEDIATE: a transaction that begins by reading would fail, not wait, when it comes to write.
      database.exec('BEGIN IMMEDIATE');
      const result = await work(builder(database));
      database.exec('COMMIT');
      return result;
    } catch (error) {
      throw translated(this.file, error);
    } finally {
      // Closing without COMMIT rolls back.
      database.close();
    }
  }

  // oxlint-disable-next-line typescript/require-await -- async so that what the database throws becomes a rejection
  async compact(): Promise<void> {
    const database = openForWriting(this.file);
    try {
      translating(this.file, () => {
        database.exec('VACUUM');
        database.pragma('wal_checkpoint(TRUNCATE)');
      });
    } finally {
      database.close();
    }
  }

  close(): Promise<void> {
    return this.tables.destroy();
  }
}

function builder(database: Database): Kysely<CatalogTables> {
  return new Kysely<CatalogTables>({ dialect: new SqliteDialect({ database }) });
}

/** Opens the tables of a catalog file that exists. Throws {@link CatalogError} as {@link openForWriting} does. */
export function openSqliteQueries(file: string): QueryDatabase {
  // Brings the schema up to date.
  openForWriting(file).close();
  const database = openForReading(file);
  database.defaultSafeIntegers(true);
  // Held until the connection closes, and with it the snapshot.
  database.exec('BEGIN');
  return new SqliteQueries(file, database);
}
