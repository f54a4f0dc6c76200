import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { ChangeReport } from '@filetracker/catalog';
import { type Chart, reportCharts } from './report-charts.js';
import type { ReportDocument, ReportTable } from './report-tables.js';

const STYLE = `
  :root { color-scheme: light; }
  body { font: 15px/1.45 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #1c2430; }
  h1 { font-size: 1.5rem; overflow-wrap: anywhere; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
  .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(24rem, 1fr)); gap: 1rem; }
  .chart { height: 20rem; border: 1px solid #dde3ea; border-radius: 6px; }
  table { border-collapse: collapse; width: 100%; } th, td { padding: .25rem .6rem; text-align: left; vertical-align: top; }
  th { border-bottom: 2px solid #c9d2dc; } tr:nth-child(even) td { background: #f5f7fa; }
  td { overflow-wrap: anywhere; } .number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
  @media print { .chart { break-inside: avoid; } }`;

/** Draws the charts; the figures stand in the page as JSON, apart from the program. */
const SCRIPT = `
  const charts = JSON.parse(document.getElementById('charts').textContent);
  const drawn = charts.map(({ id, option }) => {
    const chart = echarts.init(document.getElementById(id));
    chart.setOption(option);
    return chart;
  });
  addEventListener('resize', () => drawn.forEach((chart) => chart.resize()));`;

/** A report as one HTML page that needs nothing else: figures, program and style are in it. */
export function htmlReport(report: ChangeReport, document: ReportDocument): string {
  return htmlPage(document, reportCharts(report));
}

/** A page with charts and tables that needs nothing else. */
export function htmlPage({ title, summary, tables }: ReportDocument, charts: readonly Chart[]): string {
  const places = charts.map(
    ({ id, label }) => `<div class="chart" id="${id}" role="img" aria-label="${label}"></div>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
<p>${summary.map(escapeHtml).join('<br>')}</p>
<div class="charts">${places.join('\n')}</div>
${tables.map(htmlTable).join('\n')}
<script type="application/json" id="charts">${embeddedJson(charts)}</script>
<script>${chartProgram()}</script>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

function htmlTable({ title, columns, rows }: ReportTable): string {
  const cell = (tag: string) => (text: string, at: number) =>
    `<${tag}${columns[at]?.isNumber ? ' class="number"' : ''}>${escapeHtml(text)}</${tag}>`;
  const body = rows.map((cells) => `<tr>${cells.map(cell('td')).join('')}</tr>`);
  const head = columns.map(({ heading }) => heading).map(cell('th'));
  return `<h2>${escapeHtml(title)}</h2>
<table><thead><tr>${head.join('')}</tr></thead><tbody>
${body.join('\n')}
</tbody></table>`;
}

/** ECharts with the common kinds of charts: two thirds of the size of the whole. */
function chartProgram(): string {
  const require = createRequire(import.meta.url);
  const file = require.resolve('echarts/dist/echarts.common.min.js');
  return readFileSync(file, 'utf8').replaceAll('</script', '<\\/script');
}

function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
  };
  return text.replace(/[&<>"]/g, (character) => entities[character] ?? character);
}

/** JSON inside a script element: no `<`, so that nothing in a name can end the element. */
function embeddedJson(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}
