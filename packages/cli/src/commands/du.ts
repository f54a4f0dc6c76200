import { displayPath } from '@filetracker/catalog/paths';
import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { knownPathOrAll } from '../known-path.js';
import { wholeNumber } from '../number-argument.js';
import { formatSize } from '../output/format.js';
import { formatCount } from '../output/format-count.js';
import { reportCommand, withQueries } from '../report-command.js';

interface DuFlags {
  readonly depth: number;
  readonly apparentSize?: true;
}

/** `filetracker du`: what directories hold, from the catalog. */
export function duCommand({ output }: CommandContext): Command {
  return reportCommand('du', 'show what directories hold, as the last scan saw them', [
    'filetracker du -d 2 /data/projects',
    'filetracker du --apparent-size --csv /data',
  ])
    .argument('[dir]', 'the directory (default: every scanned root)')
    .option('-d, --depth <n>', 'levels of directories below it to show', wholeNumber(0), 1)
    .option('--apparent-size', 'show lengths of files instead of the space that they take on the disk')
    .action((directory: string | undefined, flags: DuFlags, command: Command) =>
      withQueries(command, output, async (database, rows) => {
        const { diskUsage } = await import('@filetracker/catalog/reports');
        const { pathFields } = rows;
        const place = await knownPathOrAll(database, directory);
        const columns = [
          'path',
          'pathBase64',
          'depth',
          'files',
          'directories',
          'bytes',
          'allocated',
        ] as const;
        const table = await rows.table(columns);
        for await (const row of diskUsage(database, { depth: flags.depth, ...place })) {
          const size = formatSize(flags.apparentSize ? row.bytes : row.allocated).padStart(10);
          const { path: at, ...figures } = row;
          await table.print(`${size}  ${formatCount(row.files).padStart(12)} files  ${displayPath(at)}`, {
            ...pathFields(at),
            ...figures,
          });
        }
      }),
    );
}
