import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { formatThings } from '../output/format-count.js';
import { reportCommand, withQueries } from '../report-command.js';
import { parseScanMoment, type ScanMoment, spanOf } from '../scan-moment.js';

interface PruneFlags {
  readonly keep: ScanMoment;
  readonly compact?: true;
}

/** `filetracker prune`: forgets old history. */
export function pruneCommand({ output }: CommandContext): Command {
  return reportCommand('prune', 'forget history that is older; what is known of the present stays', [
    'filetracker prune --keep 90d',
    'filetracker prune --keep 2026-01-01 --compact',
  ])
    .requiredOption('--keep <when>', 'keep what was recorded since: 90d, a date, or scan:12', parseScanMoment)
    .option('--compact', 'give the space back to the disk; needs as much free space as the catalog takes')
    .action((flags: PruneFlags, command: Command) =>
      withQueries(command, output, async (database, rows) => {
        const { prune } = await import('@filetracker/catalog/reports');
        const { after } = await spanOf(database, flags.keep);
        const { runs, changes } = await prune(database, after);
        if (flags.compact) await database.compact();
        const what = `${formatThings(changes, 'change')} and ${formatThings(runs, 'scan')} forgotten`;
        const table = await rows.table(['changes', 'runs']);
        await table.print(what, { changes, runs });
      }),
    );
}
