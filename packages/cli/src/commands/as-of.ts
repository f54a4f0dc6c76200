import { displayPath, isDirectory } from '@filetracker/catalog/paths';
import type { PastEntry } from '@filetracker/catalog/reports';
import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { knownPath } from '../known-path.js';
import { ATTRIBUTE_COLUMNS, entryRow, formatNanoseconds } from '../output/entry-fields.js';
import { formatSize } from '../output/format.js';
import { formatCount } from '../output/format-count.js';
import type { RowPrinter } from '../output/row-printer.js';
import { reportCommand, withQueries } from '../report-command.js';
import { momentOf, parseScanMoment, type ScanMoment } from '../scan-moment.js';

/** Entries of one directory are sorted up to this many; beyond, and for whole trees, they come as they are found. */
const MAX_SORTED = 100_000;

const TIME_WIDTH = 'YYYY-MM-DD hh:mm:ss'.length;

/** `filetracker as-of`: a directory as it was recorded at a moment. */
export function asOfCommand({ output }: CommandContext): Command {
  return reportCommand('as-of', 'show a directory or file as it was recorded at a moment', [
    'filetracker as-of 7d /data/projects/alpha',
    'filetracker as-of scan:12 /data/projects',
    'filetracker as-of 2026-11-01 --recursive --csv /data/projects/alpha',
  ])
    .argument('<when>', 'a time ago such as 7d, a date, scan:12, or now, today, yesterday', parseScanMoment)
    .argument('[path]', 'the file or directory', '.')
    .option('-R, --recursive', 'show all below it, too')
    .action((when: ScanMoment, file: string, flags: { readonly recursive?: true }, command: Command) =>
      withQueries(command, output, async (database, rows) => {
        const { asOf } = await import('@filetracker/catalog/reports');
        const path = await knownPath(database, file);
        const tree = await asOf(database, {
          path,
          moment: await momentOf(database, when),
          isRecursive: flags.recursive ?? false,
          ...(typeof when !== 'number' && when),
        });
        output.detail(
          `as scan ${tree.scan.id} recorded it at ${new Date(tree.scan.finishedAt).toISOString()}`,
        );
        if (!tree.top) throw new NotThereError(`there was no ${displayPath(path)} then`);
        const print = await entryPrinter(rows);
        let waiting: PastEntry[] | undefined = flags.recursive ? undefined : [];
        for await (const entries of tree.entries) {
          waiting?.push(...entries);
          if (waiting && waiting.length <= MAX_SORTED) continue;
          await print(waiting ?? entries);
          waiting = undefined;
        }
        await print(waiting?.sort((a, b) => (a.path < b.path ? -1 : 1)) ?? []);
        await print([tree.top]);
      }),
    );
}

/** Nothing stood at a path at that moment. */
class NotThereError extends Error {
  override readonly name = 'NotThereError';
  readonly code = 'not_there';
}

/** Gives the function that shows entries. */
async function entryPrinter(rows: RowPrinter) {
  const { pathFields } = rows;
  const table = await rows.table(['path', 'pathBase64', 'files', 'bytes', ...ATTRIBUTE_COLUMNS]);
  const form = {
    text: ({ path, attributes, files, bytes }: PastEntry) => {
      const directory = isDirectory(attributes.mode);
      const count = directory ? `${formatCount(files)} files` : '';
      const shown = `${displayPath(path)}${directory && path !== '/' ? '/' : ''}`;
      // What directories looked like is known from the changes in them; their own times are not part of the history.
      const when = directory ? ' '.repeat(TIME_WIDTH) : formatNanoseconds(attributes.mtimeNs);
      return `${formatSize(bytes).padStart(10)}  ${count.padStart(16)}  ${when}  ${shown}`;
    },
    row: ({ path, attributes, files, bytes }: PastEntry) =>
      entryRow(
        { path: pathFields(path), attributes, hasTimes: !isDirectory(attributes.mode) },
        { files, bytes },
      ),
  };
  return (entries: readonly PastEntry[]) => table.printAll(entries, form);
}
