import type { ScanRun } from '@filetracker/catalog';
import type { Command } from 'commander';
import { pathArgument, withCatalog } from '../catalog-command.js';
import type { CommandContext } from '../context.js';
import { formatVersion } from '../output/format.js';
import type { PathFields } from '../output/path-fields.js';
import { changeSummary, problemSummary, scanResult } from '../output/scan-summary.js';
import { reportCommand, rowPrinter } from '../report-command.js';

/** `filetracker scans`: lists the scans that were recorded, newest first. */
export function scansCommand({ output }: CommandContext): Command {
  return reportCommand('scans', 'list the scans that were recorded, newest first', [
    'filetracker scans',
    'filetracker scans --json /data/projects',
  ])
    .argument('[dir]', 'only scans that looked at this directory or below it')
    .action((directory: string | undefined, _, command: Command) => {
      const rows = rowPrinter(command, output);
      return withCatalog(command, { create: false }, async (catalog) => {
        const { displayPath } = await import('@filetracker/catalog/scan');
        const pathFields = await rows.pathFields();
        const filter = directory === undefined ? {} : { path: await pathArgument(directory) };
        const table = await rows.table(COLUMNS);
        for await (const run of catalog.scans(filter)) {
          const when = formatVersion(Math.floor(run.finishedAt / 1000));
          const what = `${changeSummary(run)}${problemSummary(run)}${historyRemark(run)}`;
          await table.printAll([run], {
            text: () => `${String(run.id).padStart(5)}  ${when}  ${displayPath(run.root)}  ${what}`,
            row: () => flat(run, pathFields),
            json: () => ({ ...pathFields(run.root, 'root'), ...scanResult(run) }),
          });
        }
      });
    });
}

/** The columns of {@link flat}. */
const COLUMNS = [
  'id',
  'root',
  'rootBase64',
  'source',
  'startedAt',
  'finishedAt',
  'isBaseline',
  'files',
  'directories',
  'bytes',
  'allocated',
  'newFiles',
  'newBytes',
  'modifiedFiles',
  'modifiedBytes',
  'renamedFiles',
  'renamedBytes',
  'removedFiles',
  'removedBytes',
  'newDirectories',
  'removedDirectories',
  'errors',
  'unreadableDirectories',
  'metadata',
  'historySince',
] as const;

/** A run as one row without tables in it. */
function flat(run: ScanRun, pathFields: PathFields) {
  const { id, source, isBaseline, totals, changes, errors, unreadableDirectories } = run;
  const { metadata, historySince } = run;
  return {
    id,
    ...pathFields(run.root, 'root'),
    source,
    startedAt: new Date(run.startedAt).toISOString(),
    finishedAt: new Date(run.finishedAt).toISOString(),
    isBaseline,
    files: totals.files,
    directories: totals.directories,
    bytes: totals.bytes,
    allocated: totals.allocated,
    newFiles: changes.new.files,
    newBytes: changes.new.bytes,
    modifiedFiles: changes.modified.files,
    modifiedBytes: changes.modified.bytes,
    renamedFiles: changes.renamed.files,
    renamedBytes: changes.renamed.bytes,
    removedFiles: changes.removed.files,
    removedBytes: changes.removed.bytes,
    newDirectories: changes.newDirectories,
    removedDirectories: changes.removedDirectories,
    errors,
    unreadableDirectories,
    metadata,
    historySince: historySince === null ? null : new Date(historySince).toISOString(),
  };
}

/** Says where changes that came after a run were forgotten. */
function historyRemark({ historySince }: ScanRun): string {
  return historySince === null ? '' : `  (history since ${formatVersion(Math.floor(historySince / 1000))})`;
}
