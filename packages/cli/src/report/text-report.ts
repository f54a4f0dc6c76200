import type { ReportDocument, ReportTable } from './report-tables.js';

/** A report as lines for a terminal. */
export function textReport({ title, summary, tables }: ReportDocument): string {
  return [
    title,
    '',
    ...summary,
    ...tables.flatMap((table) => ['', `${table.title}:`, ...textTable(table)]),
  ].join('\n');
}

function textTable({ columns, rows }: ReportTable): string[] {
  const lines = [columns.map(({ heading }) => heading), ...rows];
  const widths = columns.map((_, at) => Math.max(...lines.map((cells) => (cells[at] ?? '').length)));
  return lines.map((cells) => {
    const padded = cells.map((cell, at) =>
      columns[at]?.holds === 'number' ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0),
    );
    return `  ${padded.join('  ')}`.trimEnd();
  });
}
