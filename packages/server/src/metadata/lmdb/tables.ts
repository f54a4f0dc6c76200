import { STATE_TABLE } from '../journal/state.js';
import type { Table } from './table.js';

/** All tables of a store. */
export interface Tables {
  readonly files: Table;
  readonly history: Table;
  readonly ended: Table;
  readonly usage: Table;
  readonly contents: Table;
  readonly garbage: Table;
  readonly unnamed: Table;
  readonly tombstones: Table;
  readonly meta: Table;
}

/** What stands for each table in the journal: never use a number for another table. */
export const TABLE_IDS: Readonly<Record<keyof Tables, number>> = {
  files: 1,
  contents: 2,
  garbage: 3,
  unnamed: 4,
  tombstones: 5,
  meta: STATE_TABLE,
  history: 7,
  ended: 8,
  usage: 9,
};
