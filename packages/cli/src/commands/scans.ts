import type { Command } from 'commander';
import { catalogCommand, pathArgument, pathResult, withCatalog } from '../catalog-command.js';
import type { CommandContext } from '../context.js';
import { formatVersion } from '../output/format.js';
import { changeSummary, problemSummary, scanResult } from '../output/scan-summary.js';

/** `filetracker scans`: lists the scans that were recorded, newest first. */
export function scansCommand({ output }: CommandContext): Command {
  return catalogCommand('scans', 'list the scans that were recorded, newest first', [
    'filetracker scans',
    'filetracker scans --json /data/projects',
  ])
    .argument('[dir]', 'only scans that looked at this directory or below it')
    .action((directory: string | undefined, _, command: Command) =>
      withCatalog(command, { create: false }, async (catalog) => {
        const { displayPath } = await import('@filetracker/catalog/scan');
        const filter = directory === undefined ? {} : { path: await pathArgument(directory) };
        for await (const run of catalog.scans(filter)) {
          const when = formatVersion(Math.floor(run.finishedAt / 1000));
          const what = `${changeSummary(run)}${problemSummary(run)}`;
          output.result(`${String(run.id).padStart(5)}  ${when}  ${displayPath(run.root)}  ${what}`, {
            ...(await pathResult('root', run.root)),
            ...scanResult(run),
          });
        }
      }),
    );
}
