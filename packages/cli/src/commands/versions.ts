import { versionedName } from '@filetracker/protocol';
import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { formatVersion } from '../output/format.js';
import { storeCommand, withClient } from '../store-command.js';

/** Width of a size: up to 999 GB without pushing the columns apart. */
const SIZE_WIDTH = 12;

/** `filetracker versions`: shows the versions of a file that the server keeps. */
export function versionsCommand(context: CommandContext): Command {
  const { output, signal } = context;
  return storeCommand('versions', 'list the versions of a file that are kept, newest first', [
    'filetracker versions /problems/abc/package.zip',
    'filetracker get /problems/abc/package.zip@1700000000 ./old.zip',
  ])
    .argument('<name>', 'the file in the store, also one that was deleted')
    .action((name: string, _: object, command: Command) =>
      withClient(context, command, async (client) => {
        for await (const entry of client.listVersions({ name }, { signal })) {
          const { kind, version } = entry;
          const versioned = versionedName(entry.name, version);
          const size = kind === 'stored' ? String(entry.size) : '-';
          const shown = kind === 'stored' ? versioned : `/${entry.name} deleted`;
          const content =
            kind === 'stored' ? { size: entry.size, ...(entry.digest && { digest: entry.digest }) } : {};
          output.result(`${size.padStart(SIZE_WIDTH)}  ${formatVersion(version)}  ${shown}`, {
            name: `/${entry.name}`,
            versioned,
            version,
            kind,
            ...content,
          });
        }
      }),
    );
}
