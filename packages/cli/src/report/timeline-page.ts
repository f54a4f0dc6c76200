import type { TimelinePoint } from '@filetracker/catalog';
import { formatSize, formatVersion } from '../output/format.js';
import { formatCount } from '../output/format-count.js';
import { htmlPage } from './html-report.js';
import { inUnits } from './report-charts.js';
import type { ReportTable } from './report-tables.js';

/** A line shows finer steps than bars. */
const DIGITS = 4;

/** A timeline as one HTML page with a chart, and its figures as a table. */
export function timelinePage(directory: string, points: readonly TimelinePoint[]): string {
  const moment = (at: number) => formatVersion(Math.floor(at / 1000));
  const sizes = inUnits(
    points.map(({ bytes }) => bytes),
    DIGITS,
  );
  const option = {
    title: { text: `Size, ${sizes.unit}`, left: 12, top: 8, textStyle: { fontSize: 14 } },
    tooltip: { trigger: 'axis' },
    grid: { left: 16, right: 24, top: 48, bottom: 16, containLabel: true },
    xAxis: { type: 'time' },
    yAxis: { type: 'value', scale: true },
    series: [
      {
        type: 'line',
        step: 'end',
        showSymbol: false,
        areaStyle: { opacity: 0.15 },
        data: points.map(({ at }, n) => [at, sizes.values[n]]),
      },
    ],
  };
  const rows = points.map(({ at, bytes, files }) => [moment(at), formatSize(bytes), formatCount(files)]);
  const columns: ReportTable['columns'] = [
    { heading: 'Time', holds: 'text' },
    { heading: 'Size', holds: 'number' },
    { heading: 'Files', holds: 'number' },
  ];
  const document = {
    title: `Timeline of ${directory}`,
    summary: [`${moment(points[0]?.at ?? 0)} to ${moment(points.at(-1)?.at ?? 0)}`],
    tables: [{ title: 'Figures', columns, rows }],
  };
  return htmlPage(document, [{ id: 'timeline', label: `Size of ${directory} over time`, option }]);
}
