import type { ReportDocument, ReportTable } from './report-tables.js';

/** A report as Markdown with tables. */
export function markdownReport({ title, summary, tables }: ReportDocument): string {
  const parts = [`# ${escapeMarkdown(title)}`, summary.join(' '), ...tables.map(markdownTable)];
  return parts.join('\n\n');
}

function markdownTable({ title, columns, rows }: ReportTable): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escapeMarkdown).join(' | ')} |`;
  const rule = `|${columns.map(({ holds }) => (holds === 'number' ? ' ---: ' : ' --- ')).join('|')}|`;
  return [`## ${title}`, '', line(columns.map(({ heading }) => heading)), rule, ...rows.map(line)].join('\n');
}

/** Names may hold anything: what Markdown or HTML would take for markup is escaped. */
function escapeMarkdown(text: string): string {
  return text
    .replace(/[\\`*_[\]|~#]/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;');
}
