import { displayPath } from '@filetracker/catalog/paths';
import type { TimelinePoint } from '@filetracker/catalog/reports';
import { type Command, Option } from 'commander';
import type { CommandContext } from '../context.js';
import { knownPath } from '../known-path.js';
import { parseMoment } from '../moment.js';
import { wholeNumber } from '../number-argument.js';
import { formatSize, formatVersion } from '../output/format.js';
import { formatGrowth, formatThings } from '../output/format-count.js';
import { sparkline } from '../output/sparkline.js';
import { reportCommand, withQueries } from '../report-command.js';
import { parseScanMoment, type ScanMoment, spanOf } from '../scan-moment.js';

interface TimelineFlags {
  readonly last: number;
  readonly since?: ScanMoment;
  readonly until?: ScanMoment;
  readonly points: number;
  readonly html?: string;
}

/** `filetracker timeline`: how the size of a directory went. */
export function timelineCommand({ output }: CommandContext): Command {
  return reportCommand('timeline', 'show how the size of a directory went over time', [
    'filetracker timeline /data/projects',
    'filetracker timeline --last 24h --html day.html /data/projects/alpha',
  ])
    .argument('<dir>', 'the directory')
    .addOption(
      new Option('--last <span>', 'the last 24h, 7d, 4w')
        .argParser(parseMoment)
        .default(parseMoment('7d'), '7d'),
    )
    .option('--since <when>', 'from this moment instead: a date, or scan:12', parseScanMoment)
    .option('--until <when>', 'up to this moment instead of now', parseScanMoment)
    .option('--points <n>', 'moments to show', wholeNumber(2), 60)
    .option('--html <file>', 'write one HTML page with a chart, which needs nothing else, to this file')
    .action((directory: string, flags: TimelineFlags, command: Command) =>
      withQueries(command, output, async (database, rows) => {
        const { timeline } = await import('@filetracker/catalog/reports');
        const path = await knownPath(database, directory);
        const { last, since, until, points: count, html } = flags;
        const span = await spanOf(database, since ?? last, until);
        const points = await timeline(database, { path, ...span, points: count });
        if (html !== undefined) {
          const { timelinePage } = await import('../report/timeline-page.js');
          const { writePage } = await import('../report/write-page.js');
          await writePage(html, timelinePage(displayPath(path), points));
          output.result(`timeline written to ${html}`, { html });
        } else if (rows.isForPrograms) {
          const table = await rows.table(['at', 'bytes', 'files']);
          for (const { at, ...point } of points)
            await table.print('', { at: new Date(at).toISOString(), ...point });
        } else {
          for (const line of summary(points)) output.result(line, {});
        }
      }),
    );
}

function summary(points: readonly TimelinePoint[]): string[] {
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last) return ['it is no directory'];
  const bytes = points.map((point) => point.bytes);
  const moment = ({ at }: TimelinePoint) => formatVersion(Math.floor(at / 1000));
  return [
    sparkline(bytes),
    `${moment(first)}  ${formatSize(first.bytes)} in ${formatThings(first.files, 'file')}`,
    `${moment(last)}  ${formatSize(last.bytes)} in ${formatThings(last.files, 'file')}  (${formatGrowth(last.bytes - first.bytes)})`,
    `between ${formatSize(Math.min(...bytes))} and ${formatSize(Math.max(...bytes))}`,
  ];
}
