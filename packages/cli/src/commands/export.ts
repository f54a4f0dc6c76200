import { parseDirectoryName } from '@filetracker/protocol';
import { Command } from 'commander';
import type { CommandContext } from '../context.js';
import type { ExportSource } from '../export/export-source.js';
import { exportTree } from '../export/export-tree.js';
import { ServerExport } from '../export/server-export.js';
import { addGlobalOptions, globalSettings } from '../global-options.js';
import { wholeNumber } from '../number-argument.js';
import { describeFailure, PartialFailure, UsageError } from '../output/failure.js';
import { formatSize } from '../output/format.js';
import { formatDuration, formatThings } from '../output/format-count.js';
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
    .option('--hard-links', 'one file for all names with the same content and version')
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
its digest. --hard-links keeps in memory what it has written, about 200 bytes a file.

Exit codes: 0 done, 1 some files failed, 2 called wrongly.`,
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
  const counts = { copied: 0, linked: 0, kept: 0, failed: 0, bytes: 0 };
  const started = Date.now();
  const source = await openSource(context, flags);
  const options = {
    target: flags.directory,
    directory: parseDirectoryName(flags.prefix),
    hardLinks: flags.hardLinks ?? false,
    concurrency: flags.jobs,
    signal,
  };
  try {
    await exportTree(source, options, {
      written: ({ name, size }, how) => {
        counts[how]++;
        if (how === 'copied') counts.bytes += size;
        output.detail(`${how} /${name}`);
      },
      kept: () => counts.kept++,
      failed: (name, error) => {
        counts.failed++;
        const failure = describeFailure(error);
        output.failure({ ...failure, message: `/${name}: ${failure.message}`, file: `/${name}` });
      },
    });
  } finally {
    await source.close();
  }
  const { copied, linked, kept, failed, bytes } = counts;
  const parts = [
    `${formatThings(copied, 'file')} written (${formatSize(bytes)})`,
    ...(linked > 0 ? [`${formatThings(linked, 'file')} linked`] : []),
    `${formatThings(kept, 'file')} there already`,
    ...(failed > 0 ? [`${formatThings(failed, 'file')} failed`] : []),
  ];
  const elapsed = Date.now() - started;
  if (output.json) output.result(undefined, { ...counts, seconds: elapsed / 1000 });
  else output.note(`${parts.join(', ')} in ${formatDuration(elapsed)}`);
  if (failed > 0) throw new PartialFailure(`${failed} files failed`);
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
  return new ServerExport(openServer(context, url, flags, '--store with its directory'));
}
