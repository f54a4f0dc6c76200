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
