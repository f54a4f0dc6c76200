import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { FileTrackerClient, NameArgument } from '@filetracker/client';
import { parseDirectoryName, splitName } from '@filetracker/protocol';
import type { Command } from 'commander';
import { forEachFile } from '../batch.js';
import type { CommandContext } from '../context.js';
import { UsageError } from '../output/failure.js';
import { nameArgument, storeCommand, versionOption, withClient } from '../store-command.js';
import { type Upload, uploadsBelow } from '../uploads.js';

interface PutFlags {
  readonly localCache: boolean;
  readonly remoteCache: boolean;
  readonly compress: boolean;
  readonly recursive?: true;
  readonly version?: string;
}

/** `filetracker put`: stores files, a directory with everything in it, or standard input. */
export function putCommand(context: CommandContext): Command {
  return storeCommand('put', 'store files', [
    'filetracker put ./problem.zip /problems/abc/package.zip',
    'filetracker put in1.txt in2.txt /problems/abc/tests/',
    'filetracker put -r ./abc /problems/abc',
    'pg_dump site | filetracker put - /backups/site.sql',
  ])
    .argument(
      '<file...>',
      'what to store (- for standard input), and last its name in the store: for several files, or with a closing slash, the directory to put them in',
    )
    .usage('[options] <file...> <name>')
    .option('--no-local-cache', 'do not add it to the local cache')
    .option('--no-remote-cache', 'do not send it to the server')
    .option('--no-compress', 'send it uncompressed')
    .option('-r, --recursive', 'store all files of a directory')
    .addOption(versionOption())
    .action((args: readonly string[], flags: PutFlags, command: Command) => {
      const name = args.at(-1);
      const files = args.slice(0, -1);
      if (name === undefined || files.length === 0) throw new UsageError('give a file and then its name');
      return withClient(context, command, async (client) => {
        const single = files.length === 1 && !flags.recursive && !name.endsWith('/');
        if (single)
          return putOne(
            context,
            client,
            { file: files[0] ?? '', name: nameArgument(name, flags.version) },
            flags,
          );
        if (flags.version !== undefined) throw new UsageError('--version is for one file with one name');
        return forEachFile(context, uploads(files, name, flags), (upload) =>
          putOne(context, client, upload, flags),
        );
      });
    });
}

/** What to put where, for several files or directories. */
async function* uploads(files: readonly string[], name: string, flags: PutFlags): AsyncGenerator<Upload> {
  const directory = parseDirectoryName(name);
  for (const file of files) {
    const inside = `${directory}/${basename(file)}`;
    if (flags.recursive) yield* uploadsBelow(file, files.length === 1 ? directory : inside);
    else if (file === '-') throw new UsageError('standard input needs a name of its own');
    else yield { file, name: { name: inside } };
  }
}

async function putOne(
  { output, signal }: CommandContext,
  client: FileTrackerClient,
  { file, name }: Upload,
  { localCache, remoteCache, compress }: PutFlags,
): Promise<void> {
  if (file !== '-' && (await stat(file)).isDirectory()) {
    throw new UsageError(`${file} is a directory: put -r stores all that is in it`);
  }
  const stored = await output.withProgress(basename(file), (onProgress) =>
    client.putFile(name, file === '-' ? process.stdin : file, {
      toLocalStore: localCache,
      toRemoteStore: remoteCache,
      compress,
      signal,
      onProgress,
    }),
  );
  const asked = requestedVersion(name);
  if (asked !== undefined && !stored.endsWith(`@${asked}`)) {
    throw new Error(`${file} was not stored as version ${asked}: the newer ${stored} is there`);
  }
  output.result(stored, { file, name: stored });
}

function requestedVersion(name: NameArgument): number | undefined {
  return typeof name === 'string' ? splitName(name).version : name.version;
}
