import type { ByteName, BytePath, SplitPath } from '../byte-path.js';
import type { RawBuilder, SqlBool } from '../kysely.js';
import type { OrderedRange } from './change-range.js';

/*
 * Many changes as one text of bytes, which is read in a third of the time that a line for each of them takes: of each
 * its paths as they are and then its numbers as decimals with spaces between, nothing for null; between the others 00,
 * the one byte that no path has.
 */

/** Which changes are read, and what of each. */
export interface WantedChanges {
  readonly range: OrderedRange;
  readonly isWanted: RawBuilder<SqlBool>;
  readonly paths: readonly ('path' | 'previous_path')[];
  /** Whole numbers: expressions of columns of `file_changes` that mean the same to all kinds of databases. */
  readonly numbers: readonly string[];
}

/** How far the sequences of changes in one text lie apart, at most. */
export const SEQUENCES_TOGETHER = 1_000;

/** Reads the fields of a text one after the other. */
export class ChangeTextReader {
  #at = 0;
  #parent = '' as BytePath;

  constructor(private readonly text: Buffer) {}

  get isAtEnd(): boolean {
    return this.#at >= this.text.length;
  }

  /** The next field as a whole number that a double holds; null where it is empty. */
  number(): number | null {
    const { text } = this;
    const isNegative = text[this.#at] === MINUS;
    const start = isNegative ? this.#at + 1 : this.#at;
    let value = 0;
    let at = start;
    for (let digit = digitAt(text, at); digit >= 0; digit = digitAt(text, ++at)) value = value * 10 + digit;
    this.#at = at + 1;
    if (at === start) return null;
    return isNegative ? -value : value;
  }

  /**
   * The next field as the path of a file; null where it is empty. Of those that lie in one directory, one after the
   * other, all have the same string for it: what is kept by directory is found without reading its path again.
   */
  path(): SplitPath | null {
    const { text } = this;
    const start = this.#at;
    const nul = text.indexOf(0, start);
    const end = nul < 0 ? text.length : nul;
    this.#at = end + 1;
    if (end === start) return null;
    const slash = text.lastIndexOf(SLASH, end);
    const parent = (text.toString('latin1', start, slash) || '/') as BytePath;
    if (parent !== this.#parent) this.#parent = parent;
    return { parent: this.#parent, name: text.toString('latin1', slash + 1, end) as ByteName };
  }
}

const SLASH = 0x2f;
const MINUS = 0x2d;
const ZERO = 0x30;

/** -1 where no digit stands. */
function digitAt(text: Buffer, at: number): number {
  const digit = (text[at] ?? 0) - ZERO;
  return digit >= 0 && digit <= 9 ? digit : -1;
}
