import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { catalogCommand } from '../catalog-command.js';
import type { CommandContext } from '../context.js';
import { MOST_JOBS, parseRate, wholeNumber } from '../number-argument.js';
import { describeFailure, PartialFailure, UsageError } from '../output/failure.js';
import { excludeOption, repeatedOption } from '../repeated-option.js';
import type { ScanSettings } from '../scan-settings.js';
import { scanTree } from '../scan-tree.js';

interface ScanFlags extends ScanSettings {
  readonly all?: true;
  readonly config?: string;
}

/** `filetracker scan`: records what is on the disk. */
export function scanCommand(context: CommandContext): Command {
  return catalogCommand('scan', 'record a directory tree and what changed in it since the last scan', [
    'filetracker scan /data/projects',
    "filetracker scan --exclude '*.tmp' --exclude .snapshot/ --one-file-system /data",
    'filetracker scan --dry-run --json /data/projects',
    'filetracker scan --all --config /etc/filetracker/catalog.toml',
  ])
    .argument('[dir]', 'the root of the tree')
    .option('-n, --dry-run', 'only tell what would be recorded')
    .addOption(excludeOption())
    .addOption(repeatedOption('--exclude-from <file>', 'leave out what matches a line of this file'))
    .option('-x, --one-file-system', 'enter no other file system')
    .option('--follow-mounts', 'enter also file systems such as /proc and /sys')
    .option(
      '--max-depth <n>',
      'levels of directories below DIR to enter; those deeper are only recorded',
      wholeNumber(0),
    )
    .option(
      '-j, --jobs <n>',
      'threads (default: one a core, and up to four while these wait for a cold or remote disk)',
      wholeNumber(1, MOST_JOBS),
    )
    .option(
      '--allow-empty',
      'believe that DIR, or a mount point in it, is empty although files were recorded there',
    )
    .addOption(
      new Option('--fingerprint <which>', 'read files and record BLAKE3 of their content')
        .choices(['none', 'changed', 'all'])
        .default('none'),
    )
    .option(
      '--io-limit <size>',
      'bytes a second to read at most for fingerprints: 50MiB (default: no limit)',
      parseRate,
    )
    .option('--all', 'scan every root of the configuration file, one after the other')
    .action(async (directory: string | undefined, flags: ScanFlags, command: Command) =>
      scanRoots(context, command, await chosenRoots(directory, flags, command)),
    );
}

/** A tree to scan. */
interface ChosenRoot {
  readonly directory: string;
  readonly settings: ScanSettings;
}

/** Which trees to scan, each with the settings of the configuration file where no flag says otherwise. */
async function chosenRoots(
  directory: string | undefined,
  flags: ScanFlags,
  command: Command,
): Promise<ChosenRoot[]> {
  const { all, config: file, ...settings } = flags;
  // What the file says of fingerprints is for scans that record something.
  if (settings.dryRun && settings.fingerprint !== 'none') {
    throw new UsageError('--dry-run records no fingerprints');
  }
  if (all ? directory !== undefined : directory === undefined) {
    throw new UsageError('name one directory, or give --all and --config');
  }
  if (file === undefined) {
    if (directory === undefined) throw new UsageError('--all needs --config');
    return [{ directory, settings }];
  }
  const { readScanConfig } = await import('../scan-config.js');
  const config = readScanConfig(file);
  const isGiven = ([name]: [string, unknown]) => command.getOptionValueSource(name) !== 'default';
  const given = Object.fromEntries(Object.entries(settings).filter(isGiven));
  const roots = config.roots.filter(({ path }) => all || path === resolve(directory ?? ''));
  if (all && roots.length === 0) throw new UsageError(`${file} has no roots`);
  if (directory !== undefined && roots.length === 0) return [{ directory, settings }];
  return roots.map((root) => ({
    directory: root.path,
    settings: { ...settings, ...root.settings, ...given },
  }));
}

/** Scans trees one after the other; where one of several fails, the others are scanned all the same. */
async function scanRoots(
  context: CommandContext,
  command: Command,
  roots: readonly ChosenRoot[],
): Promise<void> {
  let failed = 0;
  for (const root of roots) {
    try {
      await scanTree(context, command, root);
    } catch (error) {
      if (roots.length === 1 || context.signal.aborted) throw error;
      context.output.failure(describeFailure(error));
      failed++;
    }
  }
  if (failed > 0) throw new PartialFailure(`${failed} of ${roots.length} roots failed`);
}
