import {
  type ChangeReport,
  displayPath,
  errorWords,
  type Group,
  type Growth,
  type SizedFile,
} from '@filetracker/catalog/reports';
import { CHANGE_KINDS } from '../change-kinds.js';
import { formatSize, formatVersion } from '../output/format.js';
import { formatCount, formatGrowth, formatThings } from '../output/format-count.js';

/** A column of a list; a path may be long, and is the last of its list. */
interface ReportColumn {
  readonly heading: string;
  readonly holds: 'text' | 'number' | 'path';
}

/** A list of a report, ready to be laid out: cells are text for people. */
export interface ReportTable {
  readonly title: string;
  readonly columns: readonly ReportColumn[];
  readonly rows: readonly (readonly string[])[];
}

/** A report, ready to be laid out in any form. */
export interface ReportDocument {
  readonly title: string;
  /** What there is, in a sentence or two. */
  readonly summary: readonly string[];
  /** Lists that have rows. */
  readonly tables: readonly ReportTable[];
}

/** Writes a report's figures out for people. `owners` are the names of users by their numbers. */
export function reportDocument(report: ChangeReport, owners: ReadonlyMap<number, string>): ReportDocument {
  const { path, totals, scans, errorCount } = report;
  const where = path === undefined ? 'all scanned trees' : displayPath(path);
  const ownerName = (uid: string) => owners.get(Number(uid)) ?? uid;
  const hasChanges = CHANGE_KINDS.some((kind) => report.kinds[kind].files > 0) || report.moved !== 0;
  const tables = [
    ...(hasChanges ? [kindsTable(report), periodsTable(report)] : []),
    growthTable('Directories that grew most', report.growing),
    growthTable('Directories that shrank most', report.shrinking),
    growthTable('Directories with most changes', report.churning),
    groupTable('By file type', 'Type', report.fileTypes, (key) => key),
    groupTable('By owner', 'Owner', report.owners, ownerName),
    filesTable('Largest new files', report.largestNew, ownerName),
    filesTable('Largest removed files', report.largestRemoved, ownerName),
    errorsTable(report),
  ];
  return {
    title: `Changes of ${where}, ${minute(report.after)} to ${minute(report.upTo)}`,
    summary: [
      `Now ${formatThings(totals.files, 'file')} in ${formatThings(totals.directories, 'directory', 'directories')}, ` +
        `${formatSize(totals.bytes)} (${formatSize(totals.allocated)} on the disk).`,
      `${formatThings(scans, 'scan')} in this time, ${formatThings(errorCount, 'error')}.`,
      ...reach(report),
      ...(hasChanges || !isKnown(report) ? [] : ['Nothing changed.']),
    ],
    tables: tables.filter(({ rows }) => rows.length > 0),
  };
}

/** Whether something is known of the time of a report. */
function isKnown({ knownSince, upTo }: ChangeReport): boolean {
  return knownSince !== null && knownSince <= upTo;
}

/** How far back what is known goes, where the time of the report begins earlier. */
function reach({ knownSince, after }: ChangeReport): readonly string[] {
  return knownSince !== null && knownSince > after ? [`Recorded since ${minute(knownSince)}.`] : [];
}

/** The beginning of a period as it is called: `2026-11-23`, for months `2026-11`. */
export function periodName(start: number, interval: ChangeReport['interval']): string {
  return formatVersion(start / 1000).slice(0, interval === 'month' ? 7 : 10);
}

function minute(moment: number): string {
  return formatVersion(Math.floor(moment / 1000)).slice(0, 16);
}

function column(heading: string, holds: ReportColumn['holds'] = 'number'): ReportColumn {
  return { heading, holds };
}

function kindsTable({ kinds, moved }: ChangeReport): ReportTable {
  const rows = [
    ...CHANGE_KINDS.map((kind) => [
      kind,
      formatCount(kinds[kind].files),
      formatBytes(kind, kinds[kind].bytes),
    ]),
    ...(moved === 0 ? [] : [['other hard links', '', grown(moved)]]),
  ];
  return { title: 'Changes', columns: [column('Kind', 'text'), column('Files'), column('Bytes')], rows };
}

function periodsTable({ periods, interval }: ChangeReport): ReportTable {
  const headings = ['New', 'Modified', 'Renamed', 'Removed', 'Growth'];
  const rows = periods.map(({ start, kinds, growth }) => [
    periodName(start, interval),
    ...CHANGE_KINDS.map((kind) => formatCount(kinds[kind].files)),
    grown(growth),
  ]);
  const first = { day: 'Day', week: 'Week of', month: 'Month' }[interval];
  return {
    title: `Files by ${interval}`,
    columns: [column(first, 'text'), ...headings.map((heading) => column(heading))],
    rows,
  };
}

function growthTable(title: string, growth: readonly Growth[]): ReportTable {
  return {
    title,
    columns: [column('Growth'), column('Files'), column('Changes'), column('Directory', 'path')],
    rows: growth.map(({ path, bytes, files, changes }) => [
      grown(bytes),
      signed(files),
      formatCount(changes),
      displayPath(path),
    ]),
  };
}

function groupTable(
  title: string,
  heading: string,
  groups: readonly Group[],
  nameOf: (key: string) => string,
): ReportTable {
  return {
    title,
    columns: [column(heading, 'text'), column('Growth'), column('Files'), column('Changes')],
    rows: groups.map(({ key, bytes, files, changes }) => [
      nameOf(key),
      grown(bytes),
      signed(files),
      formatCount(changes),
    ]),
  };
}

function filesTable(
  title: string,
  files: readonly SizedFile[],
  ownerName: (uid: string) => string,
): ReportTable {
  return {
    title,
    columns: [column('Size'), column('Owner', 'text'), column('File', 'path')],
    rows: files.map(({ path, bytes, uid }) => [formatSize(bytes), ownerName(String(uid)), displayPath(path)]),
  };
}

function errorsTable({ errors, errorCount }: ChangeReport): ReportTable {
  const more =
    errorCount > errors.length ? ` (the newest ${errors.length} of ${formatCount(errorCount)})` : '';
  return {
    title: `Errors${more}`,
    columns: [column('Scan'), column('Error', 'text'), column('Path', 'path')],
    rows: errors.map(({ scan, errno, path }) => [String(scan), errorWords(errno), displayPath(path)]),
  };
}

function formatBytes(kind: string, bytes: number): string {
  return kind === 'modified' ? grown(bytes) : formatSize(bytes);
}

function grown(bytes: number): string {
  return bytes === 0 ? formatSize(0) : formatGrowth(bytes);
}

function signed(count: number): string {
  return `${count > 0 ? '+' : ''}${formatCount(count)}`;
}
