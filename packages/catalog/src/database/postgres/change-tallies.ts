import type pg from 'pg';
import type { ChangeKind, ChangeTallies } from '../records.js';

/** What a part of a merge adds to the counts of one kind. */
export interface TallyRow extends pg.QueryResultRow {
  readonly kind: ChangeKind;
  readonly isDirectory: boolean;
  readonly files: bigint;
  readonly bytes: bigint;
}

/** The counts of a scan from rows per kind; of nothing without any. */
export function tallies(rows: readonly TallyRow[] = []): ChangeTallies {
  const find = (kind: ChangeKind, isDirectory: boolean) =>
    rows.find((row) => row.kind === kind && row.isDirectory === isDirectory);
  const tally = (kind: ChangeKind) => {
    const found = rows.filter((row) => row.kind === kind && !row.isDirectory);
    const sum = (column: 'files' | 'bytes') => found.reduce((total, row) => total + Number(row[column]), 0);
    return { files: sum('files'), bytes: sum('bytes') };
  };
  return {
    new: tally('new'),
    modified: tally('modified'),
    renamed: tally('renamed'),
    removed: tally('removed'),
    newDirectories: Number(find('new', true)?.files ?? 0),
    removedDirectories: Number(find('removed', true)?.files ?? 0),
  };
}
