import type { RowChange } from './codec.js';

/** Where the journal ends, as the last committed transaction left it. LMDB keeps it, so it is committed with it. */
export interface JournalState {
  /** Sequence of the last change; 0 before the first. */
  readonly sequence: number;
  /** First sequence of the file that is written to; 0 before the first file. */
  readonly file: number;
  /** Bytes of that file that are committed: what stands behind them never happened. */
  readonly length: number;
  /** Bytes of that file that are known to be on the disk; a power cut may have taken any of those behind them. */
  readonly synced: number;
  /** The journal has every change after this one; of earlier ones only what no gap swallowed. */
  readonly completeSince: number;
}

/**
 * The row that holds the state, and the number of its table in the journal. Frames repeat it, as it was before them,
 * where a file begins and where more of one is known to be on the disk. So when LMDB is lost, the journal itself says
 * which of its bytes a power cut may have taken.
 */
export const STATE_KEY = Buffer.from('journal');
export const STATE_TABLE = 6;

export const EMPTY_STATE: JournalState = { sequence: 0, file: 0, length: 0, synced: 0, completeSince: 0 };

const FIELD_BYTES = 6;

/** The state as five unsigned big-endian numbers of 6 bytes. */
export function encodeState({ sequence, file, length, synced, completeSince }: JournalState): Buffer {
  const value = Buffer.allocUnsafe(5 * FIELD_BYTES);
  for (const [index, number] of [sequence, file, length, synced, completeSince].entries()) {
    value.writeUIntBE(number, index * FIELD_BYTES, FIELD_BYTES);
  }
  return value;
}

export function decodeState(value: Buffer): JournalState {
  const field = (index: number) => value.readUIntBE(index * FIELD_BYTES, FIELD_BYTES);
  return { sequence: field(0), file: field(1), length: field(2), synced: field(3), completeSince: field(4) };
}

/** The state as a row of a frame. */
export function stateRow(state: JournalState): RowChange {
  return { kind: 'put', table: STATE_TABLE, key: STATE_KEY, value: encodeState(state) };
}

/** The state that a row of a frame is; `undefined` for all other rows. */
export function stateOf(row: RowChange): JournalState | undefined {
  const isState = row.kind === 'put' && row.table === STATE_TABLE && row.key.equals(STATE_KEY);
  return isState ? decodeState(Buffer.from(row.value)) : undefined;
}
