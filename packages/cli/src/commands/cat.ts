import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { nameArgument, storeCommand, versionOption, withClient } from '../store-command.js';

interface CatFlags {
  readonly cache: boolean;
  readonly refresh?: boolean;
  readonly version?: string;
}

/** `filetracker cat`: writes a file's content to standard output. */
export function catCommand(context: CommandContext): Command {
  return storeCommand('cat', 'write a file to standard output', [
    'filetracker cat /problems/abc/package.zip@1700000000 | sha256sum',
  ])
    .argument('<name>', 'the file in the store, /a/b or /a/b@version')
    .option('-c, --no-cache', 'do not add it to the local cache')
    .option('-f, --refresh', 'fetch it from the server even if it is cached')
    .addOption(versionOption())
    .action((name: string, flags: CatFlags, command: Command) =>
      withClient(context, command, async (client) => {
        const { stream } = await client.getStream(nameArgument(name, flags.version), {
          serveFromCache: flags.cache,
          forceRefresh: flags.refresh ?? false,
          signal: context.signal,
        });
        await pipeline(stream, process.stdout, { end: false, signal: context.signal });
      }),
    );
}
