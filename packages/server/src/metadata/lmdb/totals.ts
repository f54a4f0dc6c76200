import type { Totals } from '../metadata-store.js';
import { decodeTotals, encodeTotals } from './records.js';
import type { Table } from './table.js';

const KEY = Buffer.from('totals');

export function readTotals(meta: Table): Totals {
  return decodeTotals(meta.get(KEY));
}

/** The totals while a write transaction changes them. */
export class Sums implements Totals {
  files: number;
  logicalBytes: number;
  contents: number;
  contentBytes: number;
  storedBytes: number;

  constructor(private readonly meta: Table) {
    const totals = readTotals(meta);
    this.files = totals.files;
    this.logicalBytes = totals.logicalBytes;
    this.contents = totals.contents;
    this.contentBytes = totals.contentBytes;
    this.storedBytes = totals.storedBytes;
  }

  /** Writes them back. */
  save(): void {
    this.meta.putSync(KEY, encodeTotals(this));
  }
}
