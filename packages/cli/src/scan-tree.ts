import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  BytePath,
  FingerprintScope,
  QueryDatabase,
  ScanOptions,
  ScanProgress,
  ScanRun,
} from '@filetracker/catalog';
import { displayPath } from '@filetracker/catalog/paths';
import type { Command } from 'commander';
import { catalogPlace, pathOnDisk } from './catalog-command.js';
import type { CommandContext } from './context.js';
import type { Amount } from './migrate/source.js';
import { jsonPathFields } from './output/path-fields.js';
import { ProgressLine, progressStyle } from './output/progress-line.js';
import { describeReading } from './output/read-progress.js';
import { describeScan } from './output/scan-progress.js';
import { fingerprintSummary, scanResult, scanSummary } from './output/scan-summary.js';
import type { ScanSettings } from './scan-settings.js';

/** Scans one tree into the catalog that `--database` names and prints what came of it. */
export async function scanTree(
  context: CommandContext,
  command: Command,
  { directory, settings }: { readonly directory: string; readonly settings: ScanSettings },
): Promise<void> {
  const root = await pathOnDisk(directory);
  const options = await scanOptions(settings, context.signal);
  const line = new ProgressLine(process.stderr, progressStyle(context.output));
  const onProgress = (progress: ScanProgress) =>
    line.update((elapsed) => describeScan(progress, elapsed), { isLast: progress.isRead });
  const run = await record(root, command, { ...options, onProgress })
    .finally(() => line.clear())
    .catch((error: unknown) => {
      if (context.signal.aborted) context.output.note('interrupted: the catalog stays as it was');
      throw error;
    });
  const name = settings.dryRun ? 'dry run' : `scan ${run.id}`;
  const { id, ...result } = scanResult(run);
  context.output.result(scanSummary(run, displayPath(root), name), {
    ...(settings.dryRun ? { dryRun: true } : { id }),
    ...jsonPathFields(root, 'root'),
    ...result,
  });
  if (!settings.dryRun) await fingerprint(context, run, { settings, command });
}

/** Scans while the catalog opens. */
async function record(root: BytePath, command: Command, options: ScanOptions): Promise<ScanRun> {
  const { hasCatalog, openCatalog, scan } = await import('@filetracker/catalog/scan');
  const { database, ...host } = catalogPlace(command);
  // A dry run makes no catalog.
  const isForgotten = options.isPreview && !(await hasCatalog(database, host));
  const directory = isForgotten ? await mkdtemp(join(tmpdir(), 'filetracker-')) : undefined;
  const catalog =
    directory === undefined
      ? openCatalog(database, { create: true, ...host })
      : openCatalog(join(directory, 'catalog.db'), { create: true });
  try {
    return await scan(catalog, root, options);
  } finally {
    // Where it cannot be opened the scan has failed for that reason.
    await catalog.then(
      (opened) => opened.close(),
      () => {},
    );
    if (directory !== undefined) await rm(directory, { recursive: true });
  }
}

/** Reads the files that the scan asks for and says what came of it. */
async function fingerprint(
  { output, signal }: CommandContext,
  run: ScanRun,
  { settings, command }: { readonly settings: ScanSettings; readonly command: Command },
): Promise<void> {
  const { fingerprint: scope, jobs, ioLimit } = settings;
  if (scope === 'none') return;
  const { fingerprintScan, openQueries, ReadProgress } = await import('@filetracker/catalog');
  const { database: place, ...host } = catalogPlace(command);
  const database = await openQueries(place, host);
  try {
    const total = await expectedContents(database, run, scope);
    const progress = new ReadProgress();
    const line = new ProgressLine(process.stderr, progressStyle(output));
    const stop = line.follow((elapsed) => describeReading(progress, total, elapsed));
    const counts = await fingerprintScan(database, run, {
      scope,
      signal,
      progress,
      ...(jobs !== undefined && { threads: jobs }),
      ...(ioLimit !== undefined && { bytesPerSecond: ioLimit }),
    })
      .finally(stop)
      .catch((error: unknown) => {
        if (signal.aborted)
          output.note('interrupted: what was read is recorded, --fingerprint all reads the rest');
        throw error;
      });
    output.result(fingerprintSummary(counts), { fingerprints: counts });
  } finally {
    await database.close();
  }
}

/** About how much will be read: of what a scan found changed, the files alone, since their bytes are known as growth. */
async function expectedContents(
  database: QueryDatabase,
  { root, isBaseline, changes }: ScanRun,
  scope: FingerprintScope,
): Promise<Amount> {
  if (scope === 'changed' && !isBaseline) {
    return { files: changes.new.files + changes.modified.files, bytes: 0 };
  }
  const { countContents } = await import('@filetracker/catalog');
  return countContents(database, { path: root, areFingerprinted: false });
}

async function scanOptions(settings: ScanSettings, signal: AbortSignal): Promise<ScanOptions> {
  const { parseExcludeFile } = await import('@filetracker/catalog/scan');
  const files = await Promise.all(settings.excludeFrom.map((file) => readFile(file)));
  return {
    exclude: [...settings.exclude, ...files.flatMap(parseExcludeFile)],
    isPreview: settings.dryRun ?? false,
    oneFileSystem: settings.oneFileSystem ?? false,
    followMounts: settings.followMounts ?? false,
    allowEmpty: settings.allowEmpty ?? false,
    isExclusive: true,
    signal,
    ...(settings.metadata && { metadata: settings.metadata }),
    ...(settings.maxDepth !== undefined && { maxDepth: settings.maxDepth }),
    ...(settings.jobs !== undefined && { threads: settings.jobs }),
  };
}
