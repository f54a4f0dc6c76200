import type { Kysely } from 'kysely';
import type { CatalogTables } from './tables.js';

/**
 * A catalog as reports see it: its tables, whatever kind of database holds them. While it is open, all queries see
 * one state: that after a whole number of finished scans. Queries fail with {@link CatalogError} `unavailable` when
 * the database does.
 */
export interface QueryDatabase {
  readonly tables: Kysely<CatalogTables>;

  /**
   * Runs something that writes, apart from the state that {@link tables} shows, in one transaction: all of it becomes
   * durable, or when `work` throws none. Fails with {@link CatalogError} `busy` while a scan is writing.
   */
  write<Result>(work: (tables: Kysely<CatalogTables>) => Promise<Result>): Promise<Result>;

  /** Gives space back that deleted rows left, where the database does not by itself. */
  compact(): Promise<void>;

  close(): Promise<void>;
}
