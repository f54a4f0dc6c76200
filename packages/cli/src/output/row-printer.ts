import type { BytePath } from '@filetracker/catalog';
import { UsageError } from './failure.js';
import type { Output, Result } from './output.js';
import { jsonLine } from './printable.js';

/** Prints the rows of a report as text, JSON or CSV. All rows of one report have the same fields in the same order. */
export class RowPrinter {
  #hasHeadings = false;

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
  async pathFields(): Promise<(path: BytePath, key?: string) => Result> {
    const { csvPathFields, jsonPathFields } = await import('./path-fields.js');
    return this.form === 'csv' ? csvPathFields : jsonPathFields;
  }

  /** Whether rows are for programs; where they are not, {@link print} needs no fields. */
  get isForPrograms(): boolean {
    return this.isCsv || this.output.json;
  }

  /**
   * Prints many rows together, which is several times as fast; only the form that is asked for is made of them. Wait
   * for it, as for {@link Output.lines}.
   */
  async printAll<Item>(
    items: readonly Item[],
    form: { readonly text: (item: Item) => string; readonly row: (item: Item) => Result },
  ): Promise<void> {
    if (!this.isForPrograms) {
      await this.output.lines(items.map(form.text));
      return;
    }
    const lines = items.map((item) => {
      const row = form.row(item);
      if (!this.isCsv) return jsonLine(row);
      // As JSON.stringify does: a field that is undefined is none.
      const fields = Object.entries(row).filter(([, value]) => value !== undefined);
      const headings = this.#hasHeadings ? '' : `${csvLine(fields.map(([name]) => name))}\n`;
      this.#hasHeadings = true;
      return headings + csvLine(fields.map(([, value]) => value));
    });
    await this.output.lines(lines);
  }

  /** Prints one row: `text` for people, `row` for programs. Wait for it too. */
  async print(text: string, row: Result): Promise<void> {
    await this.printAll([row], { text: () => text, row: (fields) => fields });
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
