import { type ChangeReport, displayPath } from '@filetracker/catalog/reports';
import { CHANGE_KINDS } from '../change-kinds.js';
import { periodName } from './report-tables.js';

/** A chart: where it goes, what it shows in words, and what ECharts needs to draw it. */
export interface Chart {
  readonly id: string;
  readonly label: string;
  readonly option: Readonly<Record<string, unknown>>;
}

const COLORS = { new: '#2f9e63', modified: '#e0a526', renamed: '#3f7fd1', removed: '#cf4646' } as const;
const BARS = 10;
/** Pixels that a bar takes at most, where there are few. */
const BAR_WIDTH = 28;
const LABEL_LENGTH = 30;
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** The charts of a report: changes and growth over time, directories, file types. */
export function reportCharts(report: ChangeReport): readonly Chart[] {
  const { periods, interval, growing, fileTypes } = report;
  const names = axisNames(periods.map(({ start }) => periodName(start, interval)));
  const changes = CHANGE_KINDS.map((kind) => ({
    name: kind,
    type: 'bar',
    barMaxWidth: BAR_WIDTH,
    stack: 'changes',
    itemStyle: { color: COLORS[kind] },
    data: periods.map(({ kinds }) => kinds[kind].files),
  }));
  if (changes.every(({ data }) => data.every((files) => files === 0))) return [];
  const growth = inUnits(periods.map((period) => period.growth));
  const directories = inUnits(growing.slice(0, BARS).map(({ bytes }) => bytes));
  const types = inUnits(fileTypes.slice(0, BARS).map(({ bytes }) => bytes));
  const directoryNames = growing.slice(0, BARS).map(({ path }) => shortened(displayPath(path)));
  const typeNames = fileTypes.slice(0, BARS).map(({ key }) => key);
  const shown = [
    chart('changes-over-time', `Changed files by ${interval}`, {
      ...categories(names, 'vertical', true),
      legend: { bottom: 4 },
      series: changes,
    }),
    chart('growth-over-time', `Growth by ${interval}, ${growth.unit}`, {
      ...categories(names, 'vertical', growth.unit === 'B'),
      series: bars(growth.values),
    }),
    chart('growing-directories', `Directories that grew most, ${directories.unit}`, {
      ...categories(directoryNames, 'horizontal', directories.unit === 'B'),
      series: bars(directories.values),
    }),
    chart('file-types', `Growth by file type, ${types.unit}`, {
      ...categories(typeNames, 'horizontal', types.unit === 'B'),
      series: bars(types.values),
    }),
  ];
  return growing.length > 0 ? shown : shown.filter(({ id }) => id !== 'growing-directories');
}

/** Names of periods without the year where all are of the same one. */
function axisNames(names: readonly string[]): readonly string[] {
  const years = new Set(names.map((name) => name.slice(0, 4)));
  return years.size > 1 || names.length === 1 ? names : names.map((name) => name.slice('YYYY-'.length));
}

/** Bars in the color of what is new, or where there is less than before, of what was removed. */
function bars(values: readonly number[]) {
  const data = values.map((value) => ({
    value,
    itemStyle: { color: value < 0 ? COLORS.removed : COLORS.new },
  }));
  return [{ type: 'bar', barMaxWidth: BAR_WIDTH, data }];
}

/** Bytes in the unit that suits the largest of them. */
export function inUnits(
  bytes: readonly number[],
  digits = 2,
): { readonly unit: string; readonly values: readonly number[] } {
  const largest = Math.max(1, ...bytes.map(Math.abs));
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log2(largest) / 10));
  return {
    unit: UNITS[power] ?? 'B',
    values: bytes.map((value) => Number((value / 1024 ** power).toFixed(digits))),
  };
}

function chart(id: string, label: string, option: Readonly<Record<string, unknown>>): Chart {
  const title = { text: label, left: 12, top: 8, textStyle: { fontSize: 14 } };
  const grid = { left: 12, right: 24, top: 48, bottom: 36, containLabel: true };
  return { id, label, option: { title, grid, tooltip: { trigger: 'axis' }, animation: false, ...option } };
}

function categories(
  names: readonly string[],
  direction: 'vertical' | 'horizontal',
  /** What the axis counts has no halves. */
  isWhole: boolean,
) {
  const category = { type: 'category', data: names };
  const value = { type: 'value', ...(isWhole && { minInterval: 1 }) };
  return direction === 'vertical'
    ? { xAxis: category, yAxis: value }
    : {
        xAxis: value,
        yAxis: { ...category, inverse: true, axisLabel: { width: 220, overflow: 'truncate' } },
      };
}

/** The end of a path says most. */
function shortened(path: string): string {
  return path.length <= LABEL_LENGTH ? path : `…${path.slice(1 - LABEL_LENGTH)}`;
}
