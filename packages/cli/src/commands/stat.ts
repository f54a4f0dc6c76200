import { versionedName } from '@filetracker/protocol';
import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { formatSize, formatVersion } from '../output/format.js';
import { nameArgument, storeCommand, versionOption, withClient } from '../store-command.js';

/** `filetracker stat`: shows what is stored under a name. */
export function statCommand(context: CommandContext): Command {
  const { output, signal } = context;
  return storeCommand('stat', 'show version, size and digest of a file', [
    'filetracker stat /problems/abc/package.zip',
  ])
    .argument('<name>', 'the file in the store')
    .addOption(versionOption())
    .action((name: string, flags: { readonly version?: string }, command: Command) =>
      withClient(context, command, async (client) => {
        const {
          name: file,
          version,
          size,
          digest,
        } = await client.stat(nameArgument(name, flags.version), {
          signal,
        });
        const versioned = versionedName(file, version);
        const lines = [
          `name     ${versioned}`,
          `version  ${version} (${formatVersion(version)})`,
          `size     ${size} bytes${size < 1024 ? '' : ` (${formatSize(size)})`}`,
          ...(digest ? [`sha256   ${digest}`] : []),
        ];
        output.result(lines.join('\n'), {
          name: `/${file}`,
          versioned,
          version,
          size,
          ...(digest && { digest }),
        });
      }),
    );
}
