import { type ChangeReport, displayPath, type Growth } from '@filetracker/catalog';
import { CHANGE_KINDS } from '../change-kinds.js';
import { periodName } from './report-tables.js';

/** A chart: where it goes, what it shows in words, and what ECharts needs to draw it. */
interface Chart {
  readonly id: string;
  readonly label: string;
  readonly option: Readonly<Record<string, unknown>>;
}

const COLORS = { new: '#2f9e63', modified: '#e0a526', renamed: '#3f7fd1', removed: '#cf4646' } as const;
const BARS = 10;
const LABEL_LENGTH = 34;
const MIB = 1024 ** 2;

/** The charts of a report: changes and growth over time, directories, file types. */
export function reportCharts(report: ChangeReport): readonly Chart[] {
  const { periods, interval, growing, fileTypes } = report;
  const names = periods.map(({ start }) => periodName(start, interval));
  const changes = CHANGE_KINDS.map((kind) => ({
    name: kind,
    type: 'bar',
    stack: 'changes',
    itemStyle: { color: COLORS[kind] },
    data: periods.map(({ kinds }) => kinds[kind].files),
  }));
  const growth = [
    { type: 'bar', itemStyle: { color: '#3f7fd1' }, data: periods.map((period) => mebibytes(period.growth)) },
  ];
  return [
    chart('changes-over-time', `Changed files by ${interval}`, {
      ...categories(names, 'vertical'),
      legend: { bottom: 0 },
      series: changes,
    }),
    chart('growth-over-time', `Growth by ${interval}, MiB`, {
      ...categories(names, 'vertical'),
      series: growth,
    }),
    chart(
      'growing-directories',
      'Directories that grew most, MiB',
      horizontalBars(growing.slice(0, BARS), '#2f9e63'),
    ),
    chart('file-types', 'Growth by file type, MiB', {
      ...horizontalBars(
        fileTypes.slice(0, BARS).map(({ key, ...sums }) => ({ path: key, ...sums })),
        '#e0a526',
      ),
    }),
  ];
}

function chart(id: string, label: string, option: Readonly<Record<string, unknown>>): Chart {
  const title = { text: label, left: 12, top: 8, textStyle: { fontSize: 14 } };
  const grid = { left: 12, right: 24, top: 48, bottom: 36, containLabel: true };
  return { id, label, option: { title, grid, tooltip: { trigger: 'axis' }, animation: false, ...option } };
}

function categories(names: readonly string[], direction: 'vertical' | 'horizontal') {
  const category = { type: 'category', data: names };
  const value = { type: 'value' };
  return direction === 'vertical'
    ? { xAxis: category, yAxis: value }
    : {
        xAxis: value,
        yAxis: { ...category, inverse: true, axisLabel: { width: 200, overflow: 'truncate' } },
      };
}

function horizontalBars(
  bars: readonly (Pick<Growth, 'bytes'> & { readonly path: string })[],
  color: string,
): Readonly<Record<string, unknown>> {
  const names = bars.map(({ path }) => shortened(displayPath(path as Growth['path'])));
  const series = [{ type: 'bar', itemStyle: { color }, data: bars.map(({ bytes }) => mebibytes(bytes)) }];
  return { ...categories(names, 'horizontal'), series };
}

/** The end of a path says most. */
function shortened(path: string): string {
  return path.length <= LABEL_LENGTH ? path : `…${path.slice(1 - LABEL_LENGTH)}`;
}

function mebibytes(bytes: number): number {
  return Math.round((bytes / MIB) * 1000) / 1000;
}
