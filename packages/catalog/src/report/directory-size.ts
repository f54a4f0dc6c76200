import type { BytePath } from '../byte-path.js';
import type { Totals } from '../database/records.js';
import type { CatalogTables } from '../database/tables.js';
import type { Selectable } from '../kysely.js';

/** A directory and what it holds. */
export interface DirectorySize extends Totals {
  readonly path: BytePath;
  /** Directories between it and where the report began; 0 for that one. */
  readonly depth: number;
}

/** The columns of {@link totalsOf}. */
export const TOTALS_COLUMNS = ['total_files', 'total_directories', 'total_bytes', 'total_allocated'] as const;

/** The row that has them. */
export type TotalsRow = Pick<Selectable<CatalogTables['directories']>, (typeof TOTALS_COLUMNS)[number]>;

/** Totals from their columns. */
export function totalsOf(row: TotalsRow): Totals {
  return {
    files: Number(row.total_files),
    directories: Number(row.total_directories),
    bytes: Number(row.total_bytes),
    allocated: Number(row.total_allocated),
  };
}
