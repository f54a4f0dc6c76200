import { displayPath } from '@filetracker/catalog/paths';
import type { ChangeReport, Growth } from '@filetracker/catalog/reports';
import { type Command, Option } from 'commander';
import type { CommandContext } from '../context.js';
import { knownPath } from '../known-path.js';
import { parseMoment } from '../moment.js';
import { wholeNumber } from '../number-argument.js';
import { formatSize, formatVersion } from '../output/format.js';
import { formatCount, formatGrowth } from '../output/format-count.js';
import { userNames } from '../owner-argument.js';
import { reportCommand, withQueries } from '../report-command.js';
import { parseScanMoment, type ScanMoment, spanOf } from '../scan-moment.js';

interface ExplainFlags {
  readonly last: number;
  readonly since?: ScanMoment;
  readonly until?: ScanMoment;
  readonly limit: number;
}

/** One share of a change. */
interface Share {
  readonly by: 'directory' | 'type' | 'owner';
  readonly what: string;
  readonly bytes: number;
  readonly files: number;
}

/** `filetracker explain`: what accounts for a change of size. */
export function explainCommand({ output }: CommandContext): Command {
  return reportCommand('explain', 'show which directories, file types and owners account for a change', [
    'filetracker explain --last 7d /data/projects',
    'filetracker explain --since 2026-10-01 --csv /data/projects',
  ])
    .argument('<dir>', 'the directory')
    .addOption(
      new Option('--last <span>', 'the last 24h, 7d, 4w')
        .argParser(parseMoment)
        .default(parseMoment('7d'), '7d'),
    )
    .option('--since <when>', 'from this moment instead: a date, or scan:12', parseScanMoment)
    .option('--until <when>', 'up to this moment instead of now', parseScanMoment)
    .option('-n, --limit <n>', 'rows of each list', wholeNumber(1), 8)
    .action((directory: string, flags: ExplainFlags, command: Command) =>
      withQueries(command, output, async (database, rows) => {
        const { changeReport, knownSince, notRecorded } = await import('@filetracker/catalog/reports');
        const path = await knownPath(database, directory);
        const { last, since, until, limit } = flags;
        const span = await spanOf(database, since ?? last, until);
        const known = (await knownSince(database, path)) ?? span.after;
        if (known > span.upTo) throw notRecorded();
        const report = await changeReport(database, { path, ...span, interval: 'day', limit });
        const growth = report.periods.reduce((sum, period) => sum + period.growth, 0);
        if (!rows.isForPrograms) {
          const moment = (at: number) => formatVersion(Math.floor(at / 1000));
          const from = moment(Math.max(known, span.afterScan?.moment ?? span.after));
          const to = until === undefined ? '' : ` until ${moment(span.upToScan?.moment ?? span.upTo)}`;
          const size = `${formatSize(report.totals.bytes)} now`;
          output.result(`${formatGrowth(growth)} since ${from}${to}  ${displayPath(path)}  (${size})`, {});
        }
        const table = await rows.table(['by', 'what', 'bytes', 'files']);
        let heading: Share['by'] | undefined;
        for (const share of shares(report, { limit, shown: displayPath })) {
          if (share.by !== heading && !rows.isForPrograms) output.result(`by ${share.by}:`, {});
          heading = share.by;
          const size = formatGrowth(share.bytes).padStart(12);
          const sign = share.files >= 0 ? '+' : '';
          const count = `${sign}${formatCount(share.files)}`.padStart(9);
          await table.print(`${size} ${count} files  ${share.what}`, { ...share });
        }
      }),
    );
}

function shares(
  { growing, shrinking, fileTypes, owners }: ChangeReport,
  { limit, shown }: { readonly limit: number; readonly shown: (path: Growth['path']) => string },
): Share[] {
  const names = userNames();
  const changed = [...growing, ...shrinking].sort((a, b) => Math.abs(b.bytes) - Math.abs(a.bytes));
  return [
    ...changed
      .slice(0, limit)
      .map(({ path, bytes, files }) => ({ by: 'directory' as const, what: shown(path), bytes, files })),
    ...fileTypes.map(({ key, bytes, files }) => ({ by: 'type' as const, what: key, bytes, files })),
    ...owners.map(({ key, bytes, files }) => ({
      by: 'owner' as const,
      what: names.get(Number(key)) ?? key,
      bytes,
      files,
    })),
  ];
}
