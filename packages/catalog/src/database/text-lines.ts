/*
 * Rows as one line of text each. Making an object of each of a million rows, with a buffer and a bigint for each
 * column, takes 3 to 5 s; the same columns as text take a third of that, and a group of rows as one text still less.
 */

/** Which columns a line has, in its order: numbers and words first, then bytes. */
export interface LineColumns {
  readonly plain: readonly string[];
  readonly bytes: readonly string[];
}

/** The fields of a line: decimal numbers, words, hexadecimal bytes; null is empty, and no bytes are a dash. */
export function fieldsOf(line: string): string[] {
  return line.split(' ');
}

/**
 * Reads the fields of lines one after the other. Where few of them are wanted as text that takes a third of the time of
 * {@link fieldsOf}, which makes a text of each.
 */
export class FieldReader {
  #line = '';
  #at = 0;

  /** Goes to the first field of a line. */
  begin(line: string): void {
    this.#line = line;
    this.#at = 0;
  }

  /** The next field as a whole number that a double holds; null where it is empty. */
  number(): number | null {
    const line = this.#line;
    const isNegative = line.charCodeAt(this.#at) === MINUS;
    const start = isNegative ? this.#at + 1 : this.#at;
    let value = 0;
    let at = start;
    for (let digit = digitAt(line, at); digit >= 0; digit = digitAt(line, ++at)) value = value * 10 + digit;
    this.#at = at + 1;
    if (at === start) return null;
    return isNegative ? -value : value;
  }

  /** The next field as it is. */
  text(): string {
    const space = this.#line.indexOf(' ', this.#at);
    const end = space < 0 ? this.#line.length : space;
    const field = this.#line.slice(this.#at, end);
    this.#at = end + 1;
    return field;
  }
}

const MINUS = 0x2d;
const ZERO = 0x30;

/** -1 where no digit stands. */
function digitAt(line: string, at: number): number {
  const digit = line.charCodeAt(at) - ZERO;
  return digit >= 0 && digit <= 9 ? digit : -1;
}

/** Bytes from their field; null where it is empty. */
export function bytesOf(field: string | undefined): Buffer | null {
  return field ? Buffer.from(field === NO_BYTES ? '' : field, 'hex') : null;
}

/** What a field of no bytes says, which a null must not look like. */
const NO_BYTES = '-';

/** How a dialect of SQL writes columns as text; all of them together are never null. */
interface LineDialect {
  readonly plain: (column: string) => string;
  /** `none` is what it gives for no bytes. */
  readonly bytes: (column: string, none: string) => string;
  /** Fields with a space between two of them. */
  readonly joined: (fields: readonly string[]) => string;
}

/** The expression in SQL that makes a line of a row. */
export function lineExpression(table: string, { plain, bytes }: LineColumns, dialect: LineDialect): string {
  return dialect.joined([
    ...plain.map((column) => dialect.plain(`${table}.${column}`)),
    ...bytes.map((column) => dialect.bytes(`${table}.${column}`, `'${NO_BYTES}'`)),
  ]);
}
