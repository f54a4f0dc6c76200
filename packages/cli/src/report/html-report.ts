import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { ChangeReport } from '@filetracker/catalog';
import { type Chart, reportCharts } from './report-charts.js';
import type { ReportDocument, ReportTable } from './report-tables.js';

const STYLE = `
  :root { color-scheme: light dark; --text: #1c2430; --page: #fff; --frame: #dde3ea; --rule: #c9d2dc; --stripe: #f5f7fa; }
  @media screen and (prefers-color-scheme: dark) {
    :root { --text: #dde3ea; --page: #14181f; --frame: #303946; --rule: #465162; --stripe: #1c222b; }
  }
  body { font: 15px/1.45 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem;
    color: var(--text); background: var(--page); }
  h1 { font-size: 1.5rem; overflow-wrap: anywhere; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
  .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)); gap: 1rem; }
  .chart { height: 20rem; min-width: 0; border: 1px solid var(--frame); border-radius: 6px; }
  .scroll { overflow-x: auto; } table { border-collapse: collapse; }
  th, td { padding: .25rem .8rem; text-align: left; vertical-align: top; white-space: nowrap; }
  th { border-bottom: 2px solid var(--rule); } tr:nth-child(even) td { background: var(--stripe); }
  .path { white-space: pre-wrap; overflow-wrap: anywhere; min-width: 14rem; }
  .number { text-align: right; font-variant-numeric: tabular-nums; min-width: 4rem; }
  @media print { .chart, tr { break-inside: avoid; } }`;

/**
 * Draws the charts, in the colors that the reader's system asks for; on paper in light ones. The figures stand in the
 * page as JSON, apart from the program.
 */
const SCRIPT = `
  const charts = JSON.parse(document.getElementById('charts').textContent);
  const dark = matchMedia('(prefers-color-scheme: dark)');
  let drawn = [];
  const draw = (theme) => {
    for (const chart of drawn) chart.dispose();
    drawn = charts.map(({ id, option }) => {
      const chart = echarts.init(document.getElementById(id), theme, { renderer: 'svg' });
      chart.setOption({ backgroundColor: 'transparent', ...option });
      return chart;
    });
  };
  const drawForScreen = () => draw(dark.matches ? 'dark' : undefined);
  drawForScreen();
  dark.addEventListener('change', drawForScreen);
  addEventListener('beforeprint', () => draw());
  addEventListener('afterprint', drawForScreen);
  addEventListener('resize', () => drawn.forEach((chart) => chart.resize()));`;

/** A report as one HTML page that needs nothing else: figures, program and style are in it. */
export function htmlReport(report: ChangeReport, document: ReportDocument): string {
  return htmlPage(document, reportCharts(report));
}

/** A page with charts and tables that needs nothing else. */
export function htmlPage({ title, summary, tables }: ReportDocument, charts: readonly Chart[]): string {
  const places = charts.map(
    ({ id, label }) => `<div class="chart" id="${id}" role="img" aria-label="${escapeHtml(label)}"></div>`,
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
${charts.length > 0 ? drawing(charts) : ''}
</body>
</html>
`;
}

function drawing(charts: readonly Chart[]): string {
  return `<script type="application/json" id="charts">${embeddedJson(charts)}</script>
<script>${chartProgram()}</script>
<script>${SCRIPT}</script>`;
}

function htmlTable({ title, columns, rows }: ReportTable): string {
  const cell = (tag: string) => (text: string, at: number) => {
    const holds = columns[at]?.holds ?? 'text';
    return `<${tag}${holds === 'text' ? '' : ` class="${holds}"`}>${escapeHtml(text)}</${tag}>`;
  };
  const body = rows.map((cells) => `<tr>${cells.map(cell('td')).join('')}</tr>`);
  const head = columns.map(({ heading }) => heading).map(cell('th'));
  return `<h2>${escapeHtml(title)}</h2>
<div class="scroll"><table><thead><tr>${head.join('')}</tr></thead><tbody>
${body.join('\n')}
</tbody></table></div>`;
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
