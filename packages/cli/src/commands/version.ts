import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { storeCommand, withClient } from '../store-command.js';

/** `filetracker version`: shows the version that is stored under a name. */
export function versionCommand(context: CommandContext): Command {
  const { output, signal } = context;
  return storeCommand('version', 'show the version of a file (that of this program: --version)', [
    'filetracker version /problems/abc/package.zip',
  ])
    .argument('<name>', 'the file in the store')
    .action((name: string, _: object, command: Command) =>
      withClient(context, command, async (client) => {
        const version = await client.fileVersion(name, { signal });
        output.result(String(version), { name, version });
      }),
    );
}
