import type { RawBuilder, SqlBool } from '../kysely.js';
import type { OrderedRange } from './change-range.js';
import type { LineColumns } from './text-lines.js';

/*
 * Many changes as one text of bytes, which is read in a third of the time that a line for each of them takes: of each
 * a line of its plain columns (text-lines.ts), then its columns of bytes as they are, nothing for null; between all of
 * these 00, the one byte that no path has.
 */

/** Which changes are read, and what of each. */
export interface WantedChanges {
  readonly range: OrderedRange;
  readonly isWanted: RawBuilder<SqlBool>;
  readonly columns: LineColumns;
}

/** How far the sequences of changes in one text lie apart, at most. */
export const SEQUENCES_TOGETHER = 1_000;

/** The fields of a text, those of one change after those of the other. */
export function fieldsOfText(text: Buffer): readonly string[] {
  return text.toString('latin1').split('\0');
}
