import type { ReconcileOptions, UnreadableDirectories } from '@filetracker/catalog';
import type { Command } from 'commander';
import { catalogCommand, pathOnDisk, withCatalog } from '../catalog-command.js';
import type { CommandContext } from '../context.js';
import { formatThings } from '../output/format-count.js';
import { mutationLine, mutationResult } from '../output/mutation-lines.js';
import { unreadableRemark } from '../output/unreadable-remark.js';
import { excludeOption } from '../repeated-option.js';

interface ReconcileFlags
  extends Pick<ReconcileOptions, 'exclude' | 'oneFileSystem' | 'followMounts' | 'allowEmpty'> {
  readonly full?: true;
}

/** `filetracker reconcile`: compares catalog and disk, and repairs. */
export function reconcileCommand({ output, signal }: CommandContext): Command {
  return catalogCommand('reconcile', 'compare the catalog with the disk; show and repair what differs', [
    'filetracker reconcile /data/projects',
    'filetracker reconcile --full /data/projects/alpha',
  ])
    .argument('<dir>', 'the directory, scanned or watched before')
    .option('--full', 'look at every file, not only at the times of directories')
    .addOption(excludeOption())
    .option('-x, --one-file-system', 'enter no other file system')
    .option('--follow-mounts', 'enter also file systems such as /proc and /sys')
    .option('--allow-empty', 'believe that a mount point is empty although files were recorded there')
    .action((directory: string, { full, ...flags }: ReconcileFlags, command: Command) =>
      withCatalog(command, { create: false }, async (catalog) => {
        const { reconcile } = await import('@filetracker/catalog');
        const path = await pathOnDisk(directory);
        let unreadable: UnreadableDirectories | undefined;
        const onUnreadable = (found: UnreadableDirectories) => {
          unreadable = found;
        };
        const run = await reconcile(catalog, path, { ...flags, isFull: full ?? false, signal, onUnreadable });
        let differences = 0;
        const changes = run === undefined ? [] : catalog.changes({ scan: run });
        for await (const change of changes) {
          differences++;
          if (output.json) output.result(undefined, mutationResult(change));
          else output.result(mutationLine(change), {});
        }
        if (unreadable) output.warn(unreadableRemark(unreadable));
        output.note(
          differences === 0 ? 'no differences' : `${formatThings(differences, 'difference')}, repaired`,
        );
      }),
    );
}
