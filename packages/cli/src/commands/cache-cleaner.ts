import { setTimeout as sleep } from 'node:timers/promises';
import type { CleaningPolicy, CleanResult } from '@filetracker/client';
import { Command, InvalidArgumentError, Option } from 'commander';
import { parseChainedSize, parseChainedSpan } from '../chained-units.js';
import type { CommandContext } from '../context.js';
import { matchingDirectories } from '../directory-glob.js';
import { addGlobalOptions, globalSettings } from '../global-options.js';
import { describeFailure, EXIT, PartialFailure, UsageError } from '../output/failure.js';
import { formatSize } from '../output/format.js';
import { formatThings } from '../output/format-count.js';
import { systemReason } from '../output/system-reason.js';

interface CleanerFlags {
  readonly cacheSizeLimit: number;
  readonly cacheDir: readonly string[];
  readonly cacheDirs: readonly string[];
  readonly scanInterval: number;
  readonly percentCleaningLevel: number;
  readonly policy: CleaningPolicy;
  readonly once?: true;
  readonly dryRun?: true;
  readonly debug?: true;
}

/** `filetracker-cache-cleaner`: keeps caches below a size. */
export function cacheCleanerCommand(context: CommandContext): Command {
  const command = new Command('filetracker-cache-cleaner')
    .description(
      'Looks at caches of filetracker clients every interval. If they are larger than the limit together, it ' +
        'removes files until --percent-cleaning-level of it is left. Files in use stay.',
    )
    .requiredOption('-s, --cache-size-limit <size>', 'limit such as 10G or 1G512M', parseChainedSize)
    .addOption(
      new Option('-c, --cache-dir <glob...>', 'caches; * and ? match parts of names')
        .argParser(oneMore)
        .default([], '$FILETRACKER_DIR or ~/.filetracker-store'),
    )
    .addOption(
      new Option('--cache-dirs <glob...>', 'the name that --cache-dir has in the Python cleaner')
        .argParser(oneMore)
        .default([])
        .hideHelp(),
    )
    .addOption(
      new Option('-i, --scan-interval <time>', 'time between two looks, such as 90s or 1h30m')
        .argParser(scanInterval)
        .default(3600, '1h'),
    )
    .option('-p, --percent-cleaning-level <n>', 'percent of the limit that are left', percent, 50)
    .addOption(
      new Option('--policy <policy>', 'what goes first: the oldest version, or what was not read for longest')
        .choices(['version', 'access'])
        .default('version'),
    )
    .option('--once', 'look once and end')
    .option('--dry-run', 'remove nothing, print what would be removed')
    .addOption(new Option('-d, --debug', 'the same as --verbose'))
    .enablePositionalOptions()
    .exitOverride()
    .addHelpText(
      'after',
      `
Examples:
  filetracker-cache-cleaner -s 50G
  filetracker-cache-cleaner -s 1G512M -c '/home/*/.filetracker-store' -i 1h30m -p 80
  filetracker-cache-cleaner --once --dry-run -s 10G --policy access

Of files with the same version the largest go first. The access time is what the file system notes: with
"relatime" to the day, with "noatime" not at all. A file that cannot be removed is told, and the others
go; so is a directory that cannot be read, whose files do not count, and one that is no cache. SIGTERM ends it. Exit codes: 0 done, 1 failed
(with --once also where something of that kind was told), 2 called wrongly.`,
    )
    .action((flags: CleanerFlags) => run(context, command, flags));
  return addGlobalOptions(command);
}

function oneMore(glob: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, glob];
}

/** Without any time in between, looks would keep a processor and a disk busy for ever. */
function scanInterval(text: string): number {
  const seconds = parseChainedSpan(text);
  if (seconds === 0) throw new InvalidArgumentError('It must be a second at least.');
  return seconds;
}

function percent(text: string): number {
  if (!/^\d+(\.\d+)?$/.test(text) || Number(text) > 100) {
    throw new InvalidArgumentError('It must be a number from 0 to 100.');
  }
  return Number(text);
}

async function run({ output, signal }: CommandContext, command: Command, flags: CleanerFlags): Promise<void> {
  const settings = globalSettings(command);
  output.configure(flags.debug ? { ...settings, verbosity: 'verbose' } : settings);
  const { cacheIn, cleanCaches, defaultCacheDirectory, mayBeCache } = await import('@filetracker/client');
  const named = [...flags.cacheDir, ...flags.cacheDirs];
  const globs = named.length > 0 ? named : [defaultCacheDirectory()];
  const told = new Set<string>();
  for (let looks = 0; ; looks++) {
    // Caches come and go between two looks.
    const matching = [...new Set((await Promise.all(globs.map(matchingDirectories))).flat())];
    const isCache = await Promise.all(matching.map(mayBeCache));
    const directories = matching.filter((_, index) => isCache[index]);
    for (const file of matching.filter((path) => !directories.includes(path) && !told.has(path))) {
      const message = `${file} is no cache of a filetracker client: it has no files/`;
      output.failure({ code: 'not_a_cache', message, exitCode: EXIT.failed, file });
      told.add(file);
    }
    const nothing = `there is no cache in ${globs.join(', ')}`;
    if (matching.length === 0 && flags.once) throw new UsageError(nothing);
    if (matching.length === 0 && looks === 0) output.warn(`${nothing} yet`);
    const result = await cleanCaches(directories.map(cacheIn), {
      limit: flags.cacheSizeLimit,
      keepPercent: flags.percentCleaningLevel,
      policy: flags.policy,
      dryRun: flags.dryRun ?? false,
      signal,
      onRemoved: ({ name, version, size }, directory) => {
        const path = `${directory}/files/${name}`;
        if (flags.dryRun) output.result(path, { remove: path, version, size });
        else output.detail(`removed ${path}`);
      },
      onFailed: ({ name }, directory, error) => {
        const file = `${directory}/files/${name}`;
        const { code, exitCode } = describeFailure(error);
        output.failure({ code, message: `${file}: ${systemReason(error.cause)}`, exitCode, file });
      },
      onUnreadable: (path, error) => {
        const { code, exitCode } = describeFailure(error);
        output.failure({
          code,
          message: `cannot read ${path}: ${systemReason(error)}`,
          exitCode,
          file: path,
        });
      },
    });
    const text = describe(result, flags);
    if (output.json)
      output.result(undefined, { caches: directories.length, limit: flags.cacheSizeLimit, ...result });
    else if (result.bytes > flags.cacheSizeLimit) output.note(text);
    else output.detail(text);
    const failed = result.failedFiles + result.failedDirectories + told.size;
    if (flags.once && failed > 0) throw new PartialFailure(`${failed} files or directories failed`);
    if (flags.once) return;
    await sleep(flags.scanInterval * 1000, undefined, { signal });
  }
}

function describe(result: CleanResult, { cacheSizeLimit, dryRun }: CleanerFlags): string {
  const { files, bytes, removedFiles, removedBytes, usedFiles, failedFiles, failedDirectories } = result;
  const found = `${formatThings(files, 'file')} of ${formatSize(bytes)}, limit ${formatSize(cacheSizeLimit)}`;
  const removed = `${dryRun ? 'would remove' : 'removed'} ${formatThings(removedFiles, 'file')} of ${formatSize(removedBytes)}`;
  return [
    found,
    removed,
    ...(usedFiles > 0 ? [`${formatThings(usedFiles, 'file')} in use`] : []),
    ...(failedFiles > 0 ? [`${formatThings(failedFiles, 'file')} failed`] : []),
    ...(failedDirectories > 0
      ? [`${formatThings(failedDirectories, 'directory', 'directories')} unreadable`]
      : []),
  ].join('; ');
}
