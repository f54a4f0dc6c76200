import { readFile, realpath } from 'node:fs/promises';
import type { FingerprintScope, ScanOptions, ScanRun } from '@filetracker/catalog';
import { type Command, Option } from 'commander';
import { catalogCommand, pathArgument, pathResult, withCatalog } from '../catalog-command.js';
import type { CommandContext } from '../context.js';
import { parseSize, wholeNumber } from '../number-argument.js';
import { UsageError } from '../output/failure.js';
import { ScanProgressLine } from '../output/scan-progress.js';
import { fingerprintSummary, scanResult, scanSummary } from '../output/scan-summary.js';

interface ScanFlags {
  readonly dryRun?: true;
  readonly exclude: readonly string[];
  readonly excludeFrom: readonly string[];
  readonly oneFileSystem?: true;
  readonly followMounts?: true;
  readonly maxDepth?: number;
  readonly jobs?: number;
  readonly allowEmpty?: true;
  readonly fingerprint: FingerprintScope | 'none';
  readonly ioLimit?: number;
}

/** `filetracker scan`: records what is on the disk. */
export function scanCommand(context: CommandContext): Command {
  const collect = (value: string, before: readonly string[]) => [...before, value];
  return catalogCommand('scan', 'record a directory tree and what changed in it since the last scan', [
    'filetracker scan /data/projects',
    "filetracker scan --exclude '*.tmp' --exclude .snapshot/ --one-file-system /data",
    'filetracker scan --dry-run --json /data/projects',
  ])
    .argument('<dir>', 'the root of the tree')
    .option('-n, --dry-run', 'only tell what would be recorded')
    .option('--exclude <glob>', 'leave out what matches; may be given again', collect, [])
    .option('--exclude-from <file>', 'leave out what matches a line of this file', collect, [])
    .option('-x, --one-file-system', 'enter no other file system')
    .option('--follow-mounts', 'enter also file systems such as /proc and /sys')
    .option('--max-depth <n>', 'directories that deep below DIR are recorded but not entered', wholeNumber(0))
    .option(
      '-j, --jobs <n>',
      'threads (default: one a core; more pay on cold or remote disks)',
      wholeNumber(1),
    )
    .option('--allow-empty', 'believe that DIR is empty although files were recorded in it')
    .addOption(
      new Option('--fingerprint <which>', 'read files and record BLAKE3 of their content')
        .choices(['none', 'changed', 'all'])
        .default('none'),
    )
    .option('--io-limit <size>', 'bytes a second to read at most for fingerprints: 50MiB', parseSize)
    .action(async (directory: string, flags: ScanFlags, command: Command) => {
      if (flags.dryRun && flags.fingerprint !== 'none') {
        throw new UsageError('--dry-run records no fingerprints');
      }
      const root = await pathArgument(await realpath(directory));
      const options = await scanOptions(flags, context.signal);
      await withCatalog(command, { create: true }, async (catalog) => {
        const { scan, displayPath } = await import('@filetracker/catalog');
        const line = new ScanProgressLine(process.stderr, progressStyle(context));
        const run = await scan(catalog, root, {
          ...options,
          onProgress: (progress) => line.update(progress),
        }).finally(() => line.stop());
        const name = flags.dryRun ? 'dry run' : `scan ${run.id}`;
        const { id, ...result } = scanResult(run);
        context.output.result(scanSummary(run, displayPath(root), name), {
          ...(flags.dryRun ? { dryRun: true } : { id }),
          ...(await pathResult('root', root)),
          ...result,
        });
        if (flags.fingerprint !== 'none') await fingerprint(context, run, { flags, command });
      });
    });
}

/** Reads the files that the scan asks for and says what came of it. */
async function fingerprint(
  { output, signal }: CommandContext,
  run: ScanRun,
  { flags, command }: { readonly flags: ScanFlags; readonly command: Command },
): Promise<void> {
  const { fingerprint: scope, jobs, ioLimit } = flags;
  if (scope === 'none') return;
  const { fingerprintScan, openQueries } = await import('@filetracker/catalog');
  const database = await openQueries(command.opts<{ database: string }>().database);
  try {
    const counts = await fingerprintScan(database, run, {
      scope,
      signal,
      ...(jobs !== undefined && { threads: jobs }),
      ...(ioLimit !== undefined && { bytesPerSecond: ioLimit }),
    });
    output.result(fingerprintSummary(counts), { fingerprints: counts });
  } finally {
    await database.close();
  }
}

async function scanOptions(flags: ScanFlags, signal: AbortSignal): Promise<ScanOptions> {
  const { parseExcludeFile } = await import('@filetracker/catalog');
  const files = await Promise.all(flags.excludeFrom.map((file) => readFile(file, 'utf8')));
  return {
    exclude: [...flags.exclude, ...files.flatMap(parseExcludeFile)],
    isPreview: flags.dryRun ?? false,
    oneFileSystem: flags.oneFileSystem ?? false,
    followMounts: flags.followMounts ?? false,
    allowEmpty: flags.allowEmpty ?? false,
    signal,
    ...(flags.maxDepth !== undefined && { maxDepth: flags.maxDepth }),
    ...(flags.jobs !== undefined && { threads: flags.jobs }),
  };
}

function progressStyle({ output }: CommandContext): 'moving' | 'lines' | 'silent' {
  if (output.animated) return 'moving';
  return output.json || output.quiet ? 'silent' : 'lines';
}
