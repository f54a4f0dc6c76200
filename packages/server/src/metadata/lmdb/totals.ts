import type { Totals } from '../metadata-store.js';
import { decodeNumbers, encodeNumbers } from './records.js';
import type { Table } from './table.js';

const KEY = Buffer.from('totals');

/** The totals of the present, and of all contents; those of the history have a row of their own. */
type PresentTotals = Omit<Totals, 'keptVersions' | 'keptBytes'>;

export function readTotals(meta: Table): PresentTotals {
  const at = decodeNumbers(meta.get(KEY));
  return { files: at(0), logicalBytes: at(1), contents: at(2), contentBytes: at(3), storedBytes: at(4) };
}

/** The totals while a write transaction changes them. */
export class Sums implements PresentTotals {
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
    const { files, logicalBytes, contents, contentBytes, storedBytes } = this;
    this.meta.putSync(KEY, encodeNumbers([files, logicalBytes, contents, contentBytes, storedBytes]));
  }
}
