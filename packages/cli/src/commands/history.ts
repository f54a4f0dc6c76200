import { changedAspects, displayPath } from '@filetracker/catalog/paths';
import type { ChangeRow } from '@filetracker/catalog/reports';
import type { Command } from 'commander';
import { CHANGE_SIGNS } from '../change-kinds.js';
import type { CommandContext } from '../context.js';
import { knownPath } from '../known-path.js';
import { ATTRIBUTE_COLUMNS, attributeFields, formatNanoseconds } from '../output/entry-fields.js';
import { formatSize, formatVersion } from '../output/format.js';
import type { RowPrinter } from '../output/row-printer.js';
import { reportCommand, withQueries } from '../report-command.js';

/** `filetracker history`: what happened to one file or directory. */
export function historyCommand({ output }: CommandContext): Command {
  return reportCommand(
    'history',
    'show what happened to a file or directory, newest first, also under its earlier names',
    ['filetracker history /data/projects/alpha/results.csv'],
  )
    .argument('<path>', 'the file or directory')
    .action((file: string, _, command: Command) =>
      withQueries(command, output, async (database, rows) => {
        const { pathHistory } = await import('@filetracker/catalog/reports');
        const path = await knownPath(database, file);
        const table = await rows.table([...COLUMNS, ...ATTRIBUTE_COLUMNS]);
        let hasChanges = false;
        for await (const change of pathHistory(database, path)) {
          hasChanges = true;
          await table.print(historyLine(change), historyRow(change, rows));
        }
        if (!hasChanges)
          output.note('no change of it is recorded (what is in a directory: "filetracker changes DIR")');
      }),
    );
}

function historyLine({ recordedAt, kind, path, previousPath, before, after }: ChangeRow): string {
  const attributes = after ?? before;
  const when = formatVersion(Math.floor(recordedAt / 1000));
  const size = formatSize(attributes?.size ?? 0).padStart(10);
  const modified = attributes ? `  modified ${formatNanoseconds(attributes.mtimeNs)}` : '';
  const aspects =
    before && after && kind === 'modified' ? `  (${changedAspects(before, after).join(', ')})` : '';
  const from = previousPath === null ? '' : `  (${displayPath(previousPath)} → ${displayPath(path)})`;
  return `${when}  ${CHANGE_SIGNS[kind]} ${kind.padEnd(8)} ${size}${modified}${aspects}${from}`;
}

/** The columns of {@link historyRow}, in front of what the attributes of a file say. */
const COLUMNS = [
  'sequence',
  'scan',
  'recordedAt',
  'kind',
  'path',
  'pathBase64',
  'previousPath',
  'previousPathBase64',
  'changed',
  'sizeBefore',
] as const;

function historyRow(change: ChangeRow, rows: RowPrinter) {
  const { pathFields } = rows;
  const { sequence, scan, recordedAt, kind, path, previousPath, before, after } = change;
  const attributes = after ?? before;
  return {
    sequence: Number(sequence),
    scan,
    recordedAt: new Date(recordedAt).toISOString(),
    kind,
    ...pathFields(path),
    ...(previousPath === null
      ? { previousPath: null, previousPathBase64: null }
      : pathFields(previousPath, 'previousPath')),
    changed: before && after ? changedAspects(before, after).join(' ') : null,
    sizeBefore: before?.size ?? null,
    ...(attributes && attributeFields(attributes)),
  };
}
