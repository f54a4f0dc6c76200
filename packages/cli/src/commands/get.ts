import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { FileTrackerClient, NameArgument } from '@filetracker/client';
import { parseFileName, splitName } from '@filetracker/protocol';
import type { Command } from 'commander';
import { forEachFile } from '../batch.js';
import type { CommandContext } from '../context.js';
import { filesBelow } from '../directory-listing.js';
import { nameArgument, storeCommand, versionOption, withClient } from '../store-command.js';

interface GetFlags {
  readonly cache: boolean;
  readonly refresh?: boolean;
  readonly recursive?: true;
  readonly version?: string;
}

/** `filetracker get`: fetches a file, or a directory with everything in it. */
export function getCommand(context: CommandContext): Command {
  return storeCommand('get', 'fetch a file', [
    'filetracker get /problems/abc/package.zip ./package.zip',
    'filetracker get /problems/abc/package.zip@1700000000 ./old.zip',
    'filetracker get -r /problems/abc ./abc',
  ])
    .argument('<name>', 'the file in the store, /a/b or /a/b@version')
    .argument(
      '<file>',
      'where to save it; in a directory, under its own name. Missing directories above it are made',
    )
    .option('-c, --no-cache', 'do not add it to the local cache')
    .option('-f, --refresh', 'fetch it from the server even if it is cached')
    .option('-r, --recursive', 'fetch all files of a directory')
    .addOption(versionOption())
    .action((name: string, file: string, flags: GetFlags, command: Command) =>
      withClient(context, command, async (client) => {
        if (flags.recursive) return getDirectory(context, client, name, file, flags);
        const wanted = nameArgument(name, flags.version);
        return getOne(context, client, wanted, await inDirectory(file, wanted), flags);
      }),
    );
}

async function getDirectory(
  context: CommandContext,
  client: FileTrackerClient,
  directory: string,
  target: string,
  flags: GetFlags,
): Promise<void> {
  const names = filesBelow(client, directory, { signal: context.signal });
  await forEachFile(context, names, async ({ relative, name }) => {
    await getOne(context, client, { name }, join(target, relative), flags);
  });
}

async function getOne(
  { output, signal }: CommandContext,
  client: FileTrackerClient,
  name: NameArgument,
  file: string,
  { cache, refresh = false }: GetFlags,
): Promise<void> {
  const saved = await output.withProgress(basename(file), (onProgress) =>
    client.getFile(name, file, { addToCache: cache, forceRefresh: refresh, signal, onProgress }),
  );
  output.result(undefined, { name: saved, file });
}

/** The path to save to: inside of `file` if that is a directory, as cp(1) does. */
async function inDirectory(file: string, wanted: NameArgument): Promise<string> {
  // What keeps it from being looked at keeps it from being written too, and is told then.
  const found = await stat(file).catch(() => undefined);
  if (!found?.isDirectory()) return file;
  const name = typeof wanted === 'string' ? splitName(wanted).name : parseFileName(wanted.name);
  return join(file, basename(name));
}
