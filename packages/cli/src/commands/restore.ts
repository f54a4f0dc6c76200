import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { nameArgument, storeCommand, versionOption, withClient } from '../store-command.js';

/** `filetracker restore`: makes an old version the newest again. */
export function restoreCommand(context: CommandContext): Command {
  const { output, signal } = context;
  return storeCommand('restore', 'make a version that is kept the newest again, also of a deleted file', [
    'filetracker versions /problems/abc/package.zip',
    'filetracker restore /problems/abc/package.zip@1700000000',
  ])
    .argument('<name>', 'the file in the store with the version, /a/b@version')
    .addOption(versionOption())
    .action((name: string, flags: { readonly version?: string }, command: Command) =>
      withClient(context, command, async (client) => {
        const restored = await output.withProgress(name, (onProgress) =>
          client.restore(nameArgument(name, flags.version), { signal, onProgress }),
        );
        output.result(restored, { name: restored, restored: name });
      }),
    );
}
