import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { type DirectoryName, parseDirectoryName } from '@filetracker/protocol';
import { Command } from 'commander';
import type { CommandContext } from '../context.js';
import type { ExportSource } from '../export/export-source.js';
import { exportTree } from '../export/export-tree.js';
import { hasFormat } from '../export/has-format.js';
import { ServerExport } from '../export/server-export.js';
import { addGlobalOptions, globalSettings } from '../global-options.js';
import type { Amount } from '../migrate/source.js';
import { wholeNumber } from '../number-argument.js';
import { ExportReport } from '../output/export-report.js';
import { describeFailure, PartialFailure, UsageError } from '../output/failure.js';
import { openServer } from '../server-argument.js';
import { type AccessFlags, addAccessOptions } from '../store-options.js';

interface ExportFlags extends AccessFlags {
  readonly store?: string;
  readonly prefix: string;
  readonly hardLinks?: true;
  readonly jobs: number;
}

/** Downloads at once. */
const JOBS = 8;

/** `filetracker-export`: writes a store out as plain files. */
export function exportCommand(context: CommandContext): Command {
  const command = new Command('filetracker-export')
    .description(
      'Writes the newest version of every file into a directory, with the version as its modification time. A file ' +
        'that is there with the same time and size is left alone: run it again to bring the directory up to date.',
    )
    .usage('[options] DIR URL\n       filetracker-export [options] --store STORE DIR')
    .argument('<dir>', 'where to write')
    .argument('[url]', 'the server (default: $FILETRACKER_URL)')
    .option('--store <dir>', 'read the directory of a server, running or not, instead of asking its URL')
    .option('--prefix <dir>', 'only what is below this directory of the store', '/')
    .option('--hard-links', 'one file for all names with the same content and version (on each file system)')
    .option('-j, --jobs <number>', 'files at once', wholeNumber(1), JOBS)
    .enablePositionalOptions()
    .exitOverride()
    .addHelpText(
      'after',
      `
Examples:
  filetracker-export ./files http://127.0.0.1:9999
  filetracker-export --hard-links --store /srv/filetracker /backup/files

Files that are deleted in the store stay in DIR; versions of the past are not written. Every content is checked against
its digest. --hard-links keeps in memory what it has written, some hundred bytes a file.

Exit codes: 0 done, 1 some files failed, 2 called wrongly, 130 ended by Ctrl-C.`,
    )
    .action((directory: string, url: string | undefined, flags: ExportFlags) =>
      run(context, command, { directory, url, ...flags }),
    );
  return addGlobalOptions(addAccessOptions(command));
}

async function run(
  context: CommandContext,
  command: Command,
  flags: ExportFlags & { readonly directory: string; readonly url: string | undefined },
): Promise<void> {
  const { output, signal } = context;
  output.configure(globalSettings(command));
  const directory = parseDirectoryName(flags.prefix);
  await refuseStore(flags.directory, flags.store);
  const source = await openSource(context, flags);
  const options = {
    target: flags.directory,
    directory,
    hardLinks: flags.hardLinks ?? false,
    concurrency: flags.jobs,
    signal,
  };
  const report = new ExportReport(output);
  report.start((total, ended) => count(source, directory, total, ended));
  try {
    await exportTree(source, options, report);
  } catch (error) {
    report.finish({ isComplete: false });
    throw error;
  } finally {
    await source.close();
  }
  const failed = report.finish({ isComplete: true });
  if (failed > 0) throw new PartialFailure(`${failed} files failed`);
}

/** Among the files of a store, those that are written could take the places of its own. */
async function refuseStore(target: string, store: string | undefined): Promise<void> {
  const isInside = store !== undefined && !relative(store, resolve(target)).startsWith('..');
  // A tree may well have a file of that name.
  const isStore = (await hasFormat(target)) && existsSync(join(target, 'blobs'));
  if (isInside || isStore) {
    throw new UsageError(`${target} is the directory of a store, or in it; choose another one`);
  }
}

/** Counts what there is to write, for people who wait. */
async function count(
  source: ExportSource,
  directory: DirectoryName,
  total: Amount,
  signal: AbortSignal,
): Promise<void> {
  for await (const { stat } of source.list(directory, signal)) {
    if (signal.aborted) return;
    total.files++;
    total.bytes += stat?.size ?? 0;
  }
}

async function openSource(
  context: CommandContext,
  { store, url, ...flags }: ExportFlags & { readonly url: string | undefined },
): Promise<ExportSource> {
  if (store !== undefined) {
    if (url !== undefined) throw new UsageError('--store takes the place of a URL');
    // Loaded only here: it brings the whole server with it.
    const { StoreExport } = await import('../export/store-export.js');
    return StoreExport.open(store, (error) => context.output.warn(describeFailure(error).message));
  }
  return new ServerExport(await openServer(context, url, flags, '--store with its directory'));
}
