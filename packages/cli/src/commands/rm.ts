import type { NameArgument } from '@filetracker/client';
import type { Command } from 'commander';
import { forEachFile } from '../batch.js';
import type { CommandContext } from '../context.js';
import { filesBelow } from '../directory-listing.js';
import { hasCode } from '../output/failure.js';
import { nameArgument, storeCommand, versionOption, withClient } from '../store-command.js';

interface RmFlags {
  readonly recursive?: true;
  readonly version?: string;
}

/** `filetracker rm`: removes files from the server and the cache. */
export function rmCommand(context: CommandContext): Command {
  const { output, signal } = context;
  return storeCommand('rm', 'remove a file from the server and the cache', [
    'filetracker rm /problems/abc/package.zip',
    'filetracker rm -r /problems/abc',
  ])
    .argument('<name>', 'the file in the store; with @version only if that is the one stored')
    .option('-r, --recursive', 'remove all files of a directory')
    .addOption(versionOption())
    .action((name: string, flags: RmFlags, command: Command) =>
      withClient(context, command, async (client) => {
        const remove = async (file: NameArgument, shown: string) => {
          await client.deleteFile(file, { signal });
          output.result(undefined, { removed: shown });
        };
        if (!flags.recursive) return remove(nameArgument(name, flags.version), name);
        try {
          await forEachFile(context, filesBelow(client, name, { signal }), (file) =>
            remove({ name: file.name }, file.name),
          );
        } catch (error) {
          if (!hasCode(error, 'not_a_directory')) throw error;
          await remove(name, name);
        }
      }),
    );
}
