import { UsageError } from './failure.js';
import type { Output, Result } from './output.js';
import { csvPathFields, jsonPathFields, type PathFields } from './path-fields.js';
import { jsonLine } from './printable.js';

/** Chooses the form that reports are printed in: text, JSON or CSV. */
export class RowPrinter {
  /** Throws {@link UsageError} where two forms are asked for at once. */
  constructor(
    private readonly output: Output,
    private readonly form: 'text' | 'csv',
  ) {
    if (form === 'csv' && output.json) throw new UsageError('--json and --csv exclude each other');
  }

  /** Whether `--csv` was given. */
  get isCsv(): boolean {
    return this.form === 'csv';
  }

  /** Gives the function that turns a path into fields of a row, in the form that rows are printed in. */
  get pathFields(): PathFields {
    return this.form === 'csv' ? csvPathFields : jsonPathFields;
  }

  /** Whether rows are for programs; where they are not, {@link Table.print} needs no fields. */
  get isForPrograms(): boolean {
    return this.isCsv || this.output.json;
  }

  /** Begins the rows of a report: CSV has its line of headings also where none follow. */
  async table<Column extends string>(columns: readonly Column[]): Promise<Table<Column>> {
    if (this.isCsv) await this.output.lines([csvLine(columns)]);
    return new Table(this.output, columns, this);
  }
}

/** A row with these columns, all of them and no others. */
type RowOf<Column extends string, Row> = Row &
  Readonly<Record<Exclude<Column, keyof Row> | Exclude<keyof Row, Column>, never>>;

/** How one item is printed. */
interface RowForm<Column extends string, Item, Row> {
  readonly text: (item: Item) => string;
  readonly row: (item: Item) => RowOf<Column, Row>;
  /** For `--json`, where that tells more than fits into columns. */
  readonly json?: (item: Item) => Result;
}

/** The rows of one report. */
class Table<Column extends string> {
  constructor(
    private readonly output: Output,
    private readonly columns: readonly Column[],
    private readonly printer: Pick<RowPrinter, 'isCsv' | 'isForPrograms'>,
  ) {}

  /**
   * Prints many rows together, which is several times as fast; only the form that is asked for is made of them. Wait
   * for it, as for {@link Output.lines}.
   */
  async printAll<Item, Row extends Result>(
    items: readonly Item[],
    { text, row, json = row }: RowForm<Column, Item, Row>,
  ): Promise<void> {
    const line = this.printer.isCsv
      ? (item: Item) => this.#csvRow(row(item))
      : this.printer.isForPrograms
        ? (item: Item) => jsonLine(json(item))
        : text;
    await this.output.lines(items.map(line));
  }

  /** Prints one row: `text` for people, `row` for programs. Wait for it too. */
  async print<Row extends Result>(text: string, row: RowOf<Column, Row>): Promise<void> {
    await this.printAll<string, Row>([text], { text: () => text, row: () => row });
  }

  #csvRow(row: Result): string {
    return csvLine(this.columns.map((column) => row[column]));
  }
}

/** One line of CSV as RFC 4180 has it, without the line's end. */
function csvLine(values: readonly unknown[]): string {
  return values.map(csvField).join(',');
}

function csvField(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text =
    typeof value === 'object' ? JSON.stringify(value) : String(value as string | number | bigint | boolean);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
