import { decodeNumbers, encodeNumbers } from './records.js';
import type { Rows, Table } from './table.js';

const KEY = Buffer.from('history');

/** The sums over the history that the totals tell. */
export function readHistorySums(meta: Pick<Rows, 'get'>): Pick<HistorySums, 'versions' | 'bytes'> {
  const at = decodeNumbers(meta.get(KEY));
  return { versions: at(1), bytes: at(2) };
}

/** Sums over the history. Read and written only where something of it changes. */
export class HistorySums {
  /** Versions that were ever overwritten or deleted and kept. */
  sequence: number;
  /** Versions that are kept. */
  versions: number;
  /** Bytes of their plain contents. */
  bytes: number;
  /** No name has more kept versions than this many, its newest included; 0 as long as nothing was ever kept. */
  limit: number;

  constructor(private readonly meta: Table) {
    const at = decodeNumbers(meta.get(KEY));
    this.sequence = at(0);
    this.versions = at(1);
    this.bytes = at(2);
    this.limit = at(3);
  }

  /** Writes them back. */
  save(): void {
    this.meta.putSync(KEY, encodeNumbers([this.sequence, this.versions, this.bytes, this.limit]));
  }
}
