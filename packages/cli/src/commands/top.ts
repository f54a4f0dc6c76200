import { displayPath } from '@filetracker/catalog/paths';
import type { BytePath, QueryDatabase } from '@filetracker/catalog/reports';
import { type Command, Option } from 'commander';
import type { CommandContext } from '../context.js';
import { knownPathOrAll } from '../known-path.js';
import { parseMoment } from '../moment.js';
import { wholeNumber } from '../number-argument.js';
import { formatNanoseconds } from '../output/entry-fields.js';
import { UsageError } from '../output/failure.js';
import { formatSize } from '../output/format.js';
import { formatCount, formatGrowth } from '../output/format-count.js';
import type { RowPrinter } from '../output/row-printer.js';
import { reportCommand, withQueries } from '../report-command.js';
import { parseScanMoment, type ScanMoment, spanOf } from '../scan-moment.js';

interface TopFlags {
  readonly files?: true;
  readonly by: 'size' | 'allocated' | 'count';
  readonly growth?: true;
  readonly since?: ScanMoment;
  readonly last?: number;
  readonly until?: ScanMoment;
  readonly limit: number;
}

/** A question with its path read. */
interface Question extends TopFlags {
  readonly database: QueryDatabase;
  readonly path?: BytePath;
}

/** `filetracker top`: the directories or files that are largest, or grew most. */
export function topCommand({ output }: CommandContext): Command {
  return reportCommand('top', 'show the directories or files that are largest, or grew most', [
    'filetracker top /data',
    'filetracker top --files -n 50 /data/projects',
    'filetracker top --growth --since 7d --files',
    'filetracker top --growth --since scan:12 --until scan:15 /data',
  ])
    .argument('[dir]', 'only below this directory')
    .option('--files', 'files instead of directories')
    .addOption(
      new Option('--by <figure>', 'order by').choices(['size', 'allocated', 'count']).default('size'),
    )
    .option('--growth', 'order by what was added; needs --since or --last')
    .option('--since <when>', 'growth since: 24h, 7d, a date, or scan:12', parseScanMoment)
    .option('--last <span>', 'growth in the last 24h, 7d', parseMoment)
    .option('--until <when>', 'growth up to this moment instead of now', parseScanMoment)
    .option('-n, --limit <n>', 'rows', wholeNumber(1), 20)
    .action((directory: string | undefined, flags: TopFlags, command: Command) =>
      withQueries(command, output, async (database, rows) => {
        const place = await knownPathOrAll(database, directory);
        const since = flags.since ?? flags.last;
        const question = { ...flags, database, ...place, ...(since !== undefined && { since }) };
        if (flags.growth || since !== undefined) await printGrowth(rows, question);
        else if (flags.files) await printFiles(rows, question);
        else await printDirectories(rows, question);
      }),
    );
}

async function printDirectories(rows: RowPrinter, { database, ...options }: Question): Promise<void> {
  const { topDirectories } = await import('@filetracker/catalog/reports');
  const { pathFields } = rows;
  const columns = ['path', 'pathBase64', 'files', 'directories', 'bytes', 'allocated'] as const;
  const table = await rows.table(columns);
  for (const { path, ...totals } of await topDirectories(database, options)) {
    const size = formatSize(options.by === 'allocated' ? totals.allocated : totals.bytes).padStart(10);
    const count = formatCount(totals.files).padStart(12);
    await table.print(`${size}  ${count} files  ${displayPath(path)}`, { ...pathFields(path), ...totals });
  }
}

async function printFiles(rows: RowPrinter, { database, ...options }: Question): Promise<void> {
  if (options.by !== 'size') throw new UsageError('files can be ordered by size only');
  const { topFiles } = await import('@filetracker/catalog/reports');
  const { pathFields } = rows;
  const table = await rows.table(['path', 'pathBase64', 'bytes', 'allocated', 'uid', 'mtimeNs']);
  for (const { path, mtimeNs, ...file } of await topFiles(database, options)) {
    const when = formatNanoseconds(mtimeNs);
    await table.print(`${formatSize(file.bytes).padStart(10)}  ${when}  ${displayPath(path)}`, {
      ...pathFields(path),
      ...file,
      mtimeNs: mtimeNs.toString(),
    });
  }
}

async function printGrowth(rows: RowPrinter, { database, ...options }: Question): Promise<void> {
  const { by, since, until, files } = options;
  if (since === undefined) throw new UsageError('growth needs --since or --last');
  if (by === 'allocated') throw new UsageError('growth is by size or count');
  const { topGrowth } = await import('@filetracker/catalog/reports');
  const { pathFields } = rows;
  const span = await spanOf(database, since, until ?? Number.MAX_SAFE_INTEGER);
  const found = await topGrowth(database, { ...options, ...span, by, of: files ? 'files' : 'directories' });
  const table = await rows.table(['path', 'pathBase64', 'bytes', 'files', 'changes']);
  for (const { path, bytes, files: count, changes } of found) {
    const more = `${count >= 0 ? '+' : ''}${formatCount(count)}`.padStart(10);
    await table.print(`${formatGrowth(bytes).padStart(11)}  ${more} files  ${displayPath(path)}`, {
      ...pathFields(path),
      bytes,
      files: count,
      changes,
    });
  }
}
