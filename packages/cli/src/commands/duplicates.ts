import { displayPath } from '@filetracker/catalog/paths';
import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { knownPathOrAll } from '../known-path.js';
import { parseSize, wholeNumber } from '../number-argument.js';
import { formatSize } from '../output/format.js';
import { formatThings } from '../output/format-count.js';
import { reportCommand, withQueries } from '../report-command.js';

interface DuplicatesFlags {
  readonly minSize: number;
  readonly limit: number;
}

/** What compares contents. */
const HOW_TO_READ = '"filetracker scan --fingerprint all"';

/** `filetracker duplicates`: files of the same content. */
export function duplicatesCommand({ output }: CommandContext): Command {
  return reportCommand('duplicates', 'show files of the same content, those that waste most first', [
    'filetracker scan --fingerprint all /data && filetracker duplicates --min-size 1MiB /data',
  ])
    .argument('[dir]', 'only copies below this directory')
    .option('--min-size <size>', 'of files of at least this size', parseSize, 1)
    .option('-n, --limit <n>', 'sets of equal files', wholeNumber(1), 100)
    .action((directory: string | undefined, flags: DuplicatesFlags, command: Command) =>
      withQueries(command, output, async (database, rows) => {
        const { duplicates } = await import('@filetracker/catalog/reports');
        const { pathFields } = rows;
        const place = await knownPathOrAll(database, directory);
        const options = { minimumSize: flags.minSize, limit: flags.limit, ...place };
        const columns = ['fingerprint', 'bytes', 'wasted', 'copies', 'path', 'pathBase64'] as const;
        const table = await rows.table(columns);
        let isEmpty = true;
        for await (const { fingerprint, bytes, wasted, paths } of duplicates(database, options)) {
          isEmpty = false;
          const heading = `${formatThings(paths.length, 'file')} of ${formatSize(bytes)}, ${formatSize(wasted)} wasted:\n`;
          for (const [at, copy] of paths.entries()) {
            const row = { fingerprint, bytes, wasted, copies: paths.length, ...pathFields(copy) };
            await table.print(`${at === 0 ? heading : ''}  ${displayPath(copy)}`, row);
          }
        }
        if (isEmpty) output.note(`no duplicates among the files that were read: see ${HOW_TO_READ}`);
      }),
    );
}
