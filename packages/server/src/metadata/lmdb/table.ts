import type { Database, RangeOptions, Transaction } from 'lmdb';
import type { FileEvent, JournalChange, RowChange } from '../journal/codec.js';
import { copyOf } from './value-memory.js';

/** Collects what the change that runs at the moment does to the tables, for the journal. */
export class ChangeRecorder {
  #rows: RowChange[] = [];
  #event: FileEvent | undefined;

  add(row: RowChange): void {
    this.#rows.push(row);
  }

  /** Says what the change means to those who follow the store. */
  announce(event: FileEvent): void {
    this.#event = event;
  }

  /** What was collected since the last call; `undefined` when the change did nothing. */
  take(): JournalChange | undefined {
    if (this.#rows.length === 0) return undefined;
    const change = { rows: this.#rows, event: this.#event };
    this.#rows = [];
    this.#event = undefined;
    return change;
  }
}

/** A row of a table. */
export interface Row {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** Which rows are read, in the order of their keys. */
export interface RowRange {
  readonly start?: Buffer;
  readonly end?: Buffer;
}

/** What can be read of a table. */
export interface Rows {
  get(key: Buffer): Buffer | undefined;
  getRange(range: RowRange & { readonly limit?: number }): Iterable<Row>;
}

/** A table of LMDB whose changes go to the journal too. Its keys and values are laid out in `records.ts`. */
export class Table implements Rows {
  constructor(
    private readonly database: Database<Buffer, Buffer>,
    /** Stands for the table in the journal. */
    readonly id: number,
    private readonly recorder: ChangeRecorder,
  ) {}

  get(key: Buffer): Buffer | undefined {
    const value = this.database.getBinaryFast(key);
    return value && copyOf(value);
  }

  doesExist(key: Buffer): boolean {
    return this.database.doesExist(key);
  }

  getRange(options: RangeOptions = {}): Iterable<Row> {
    return this.database.getRange(options);
  }

  getKeys(options: RangeOptions): Iterable<Buffer> {
    return this.database.getKeys(options);
  }

  /** The table as a read transaction sees it. */
  at(transaction: Transaction): Rows {
    return {
      get: (key) => this.database.get(key, { transaction }),
      getRange: (range) => this.database.getRange({ ...range, transaction }),
    };
  }

  /** Writes a row. Needs a write transaction, as all that follow. */
  putSync(key: Buffer, value: Buffer): void {
    this.database.putSync(key, value);
    this.recorder.add({ kind: 'put', table: this.id, key, value });
  }

  /** Writes a row of which only the first bytes change, so that the journal need not repeat the others. */
  putHeadSync(key: Buffer, value: Buffer, changedBytes: number): void {
    this.database.putSync(key, value);
    this.recorder.add({ kind: 'head', table: this.id, key, value: value.subarray(0, changedBytes) });
  }

  /** Removes a row. False when it was not there. */
  removeSync(key: Buffer): boolean {
    const removed = this.database.removeSync(key);
    if (removed) this.recorder.add({ kind: 'remove', table: this.id, key });
    return removed;
  }
}
