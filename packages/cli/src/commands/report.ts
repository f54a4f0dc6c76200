import type { ChangeReport, Interval } from '@filetracker/catalog/reports';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CommandContext } from '../context.js';
import { knownPathOrAll } from '../known-path.js';
import { parseMoment } from '../moment.js';
import { wholeNumber } from '../number-argument.js';
import type { Output } from '../output/output.js';
import type { RowPrinter } from '../output/row-printer.js';
import { userNames } from '../owner-argument.js';
import { reportCommand, withQueries } from '../report-command.js';
import { parseScanMoment, type ScanMoment, spanOf } from '../scan-moment.js';

interface ReportFlags {
  readonly last: number;
  readonly since?: ScanMoment;
  readonly until?: ScanMoment;
  readonly by: Interval;
  readonly limit: number;
  readonly html?: string;
  readonly markdown?: true;
}

/** `filetracker report`: what changed in a span of time, summed up. */
export function reportSubcommand({ output }: CommandContext): Command {
  return reportCommand('report', 'sum up what changed in a span of time', [
    'filetracker report --last 7d',
    'filetracker report --since 2026-10-01 --by week --html october.html /data/projects',
    'filetracker report --last 30d --csv',
  ])
    .argument('[dir]', 'only below this directory')
    .addOption(
      new Option('--last <span>', 'the last 24h, 7d, 4w')
        .argParser(parseSpan)
        .default(parseMoment('7d'), '7d'),
    )
    .option('--since <when>', 'from this moment instead: a date, or scan:12', parseScanMoment)
    .option('--until <when>', 'up to this moment instead of now', parseScanMoment)
    .addOption(new Option('--by <interval>', 'divide into').choices(['day', 'week', 'month']).default('day'))
    .option('-n, --limit <n>', 'rows of each list', wholeNumber(1), 10)
    .option('--html <file>', 'write one HTML page with charts, which needs nothing else, to this file')
    .option('--markdown', 'print Markdown')
    .action((directory: string | undefined, flags: ReportFlags, command: Command) =>
      withQueries(command, output, async (database, rows) => {
        const { changeReport } = await import('@filetracker/catalog/reports');
        const place = await knownPathOrAll(database, directory);
        const { since, last, until, by, limit } = flags;
        const span = { ...(await spanOf(database, since ?? last, until)), interval: by, limit };
        await present(await changeReport(database, { ...span, ...place }), flags, {
          output,
          rows,
        });
      }),
    );
}

async function present(
  report: ChangeReport,
  { html, markdown }: ReportFlags,
  { output, rows }: { readonly output: Output; readonly rows: RowPrinter },
): Promise<void> {
  const { reportDocument } = await import('../report/report-tables.js');
  const document = reportDocument(report, userNames());
  if (html !== undefined) {
    const { htmlReport } = await import('../report/html-report.js');
    const { writePage } = await import('../report/write-page.js');
    await writePage(html, htmlReport(report, document));
    output.result(`report written to ${html}`, { html });
    return;
  }
  const { PERIOD_COLUMNS, periodRow, reportResult } = await import('../report/report-result.js');
  if (rows.isCsv) {
    const table = await rows.table(PERIOD_COLUMNS);
    for (const period of report.periods) await table.print('', periodRow(period));
  } else if (output.json) {
    output.result(undefined, reportResult(report));
  } else if (markdown) {
    const { markdownReport } = await import('../report/markdown-report.js');
    output.result(markdownReport(document), {});
  } else {
    const { textReport } = await import('../report/text-report.js');
    output.result(textReport(document), {});
  }
}

function parseSpan(text: string): number {
  if (!/^\d+(\.\d+)?[smhdw]$/.test(text))
    throw new InvalidArgumentError('It must be a span such as 24h or 7d.');
  return parseMoment(text);
}
