import type { Totals } from '../metadata-store.js';
import { decodeNumbers, encodeNumbers } from './records.js';
import type { Rows, Table } from './table.js';

const KEY = Buffer.from('totals');

/** The totals of the present, and of all contents; those of the history have a row of their own. */
type PresentTotals = Omit<Totals, 'keptVersions' | 'keptBytes'>;

export function readTotals(meta: Pick<Rows, 'get'>): PresentTotals {
  const at = decodeNumbers(meta.get(KEY));
  return {
    files: at(0),
    logicalBytes: at(1),
    contents: at(2),
    contentBytes: at(3),
    storedBytes: at(4),
  };
}

/** The totals while a write transaction changes them. */
export class Sums implements PresentTotals {
  files: number;
  logicalBytes: number;
  contents: number;
  contentBytes: number;
  storedBytes: number;
  /**
   * Says which directories the table `usage` counts: another number, other directories; 0 for none. It stands beside
   * the totals because every change reads and writes those. A version of this program that knows no quotas writes
   * the totals without it, so that nothing that it failed to count is trusted afterwards.
   */
  usageGeneration: number;

  constructor(private readonly meta: Table) {
    const at = decodeNumbers(meta.get(KEY));
    this.files = at(0);
    this.logicalBytes = at(1);
    this.contents = at(2);
    this.contentBytes = at(3);
    this.storedBytes = at(4);
    this.usageGeneration = at(5);
  }

  /** Writes them back. */
  save(): void {
    const { files, logicalBytes, contents, contentBytes, storedBytes, usageGeneration } = this;
    const numbers = [files, logicalBytes, contents, contentBytes, storedBytes, usageGeneration];
    this.meta.putSync(KEY, encodeNumbers(numbers));
  }
}
