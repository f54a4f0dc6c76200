import type { Aspect, Attributes, ChangeFilter, ChangeKind, FileChange } from '@filetracker/catalog';
import { type Command, InvalidArgumentError } from 'commander';
import { pathArgument, pathResult, withCatalog } from '../catalog-command.js';
import { CHANGE_KINDS, CHANGE_SIGNS } from '../change-kinds.js';
import type { CommandContext } from '../context.js';
import { parseMoment } from '../moment.js';
import { parseSize, wholeNumber } from '../number-argument.js';
import { formatSize, formatVersion } from '../output/format.js';
import { formatGrowth } from '../output/format-count.js';
import type { Result } from '../output/output.js';
import type { RowPrinter } from '../output/row-printer.js';
import { reportCommand, rowPrinter } from '../report-command.js';

const SIZE_WIDTH = 11;

interface ChangesFlags {
  readonly scan?: number;
  readonly since?: number;
  readonly until?: number;
  readonly kind?: readonly ChangeKind[];
  readonly minSize?: number;
}

/** `filetracker changes`: lists what scans found changed, oldest first. */
export function changesCommand({ output }: CommandContext): Command {
  return reportCommand('changes', 'list what scans found changed, oldest first', [
    'filetracker changes --since 24h --kind removed /data/projects/alpha',
    'filetracker changes --scan 12 --min-size 1GiB --json',
  ])
    .argument('[path]', 'only changes of this file or directory and below it')
    .option('--scan <n>', 'found by this scan', wholeNumber(1))
    .option('--since <when>', 'recorded since: 24h, 7d, or a date', parseMoment)
    .option('--until <when>', 'recorded before', parseMoment)
    .option('--kind <kinds>', `of these kinds: ${CHANGE_KINDS.join(',')}`, parseKinds)
    .option('--min-size <size>', 'of files of at least this size: 4096, 10MiB', parseSize)
    .action((path: string | undefined, flags: ChangesFlags, command: Command) => {
      const rows = rowPrinter(command, output);
      return withCatalog(command, { create: false }, async (catalog) => {
        const { changedAspects, displayPath, isDirectory } = await import('@filetracker/catalog');
        for await (const change of catalog.changes(await changeFilter(path, flags))) {
          const { kind, before, after } = change;
          const directory = isDirectory((after ?? before)?.mode ?? 0);
          const shown = displayPath(change.path) + (directory ? '/' : '');
          const from = change.previousPath ? `  (was ${displayPath(change.previousPath)})` : '';
          const when = formatVersion(Math.floor(change.recordedAt / 1000));
          const size = (directory ? '' : sizeColumn(change)).padStart(SIZE_WIDTH);
          const aspects = before && after ? changedAspects(before, after) : undefined;
          const text = `${when}  ${CHANGE_SIGNS[kind]} ${size}  ${shown}${from}`;
          if (rows.isCsv) rows.print(text, await changeRow(change, { rows, aspects }));
          else rows.print(text, { ...(await changeResult(change)), ...(aspects && { changed: aspects }) });
        }
      });
    });
}

/** A change as a line of CSV: flat, with every column always there. */
async function changeRow(
  change: FileChange,
  { rows, aspects }: { readonly rows: RowPrinter; readonly aspects: readonly Aspect[] | undefined },
): Promise<Result> {
  const { entryType } = await import('@filetracker/catalog');
  const pathFields = await rows.pathFields();
  const { sequence, scan, recordedAt, kind, path, previousPath, before, after } = change;
  return {
    sequence,
    scan,
    recordedAt: new Date(recordedAt).toISOString(),
    kind,
    type: entryType((after ?? before)?.mode ?? 0),
    ...pathFields(path),
    ...(previousPath === null
      ? { previousPath: null, previousPathBase64: null }
      : pathFields(previousPath, 'previousPath')),
    sizeBefore: before?.size ?? null,
    sizeAfter: after?.size ?? null,
    mtimeNsBefore: before?.mtimeNs.toString() ?? null,
    mtimeNsAfter: after?.mtimeNs.toString() ?? null,
    changed: aspects?.join(' ') ?? null,
  };
}

async function changeFilter(path: string | undefined, flags: ChangesFlags): Promise<ChangeFilter> {
  const { scan, since, until, kind, minSize } = flags;
  return {
    ...(path !== undefined && { path: await pathArgument(path) }),
    ...(scan !== undefined && { scan }),
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
    ...(kind !== undefined && { kinds: kind }),
    ...(minSize !== undefined && { minimumSize: minSize }),
  };
}

function sizeColumn({ kind, before, after }: FileChange): string {
  if (kind === 'modified' && before && after) return formatGrowth(after.size - before.size);
  return formatSize((after ?? before)?.size ?? 0);
}

async function changeResult(change: FileChange): Promise<Result> {
  const { entryType } = await import('@filetracker/catalog');
  const { sequence, scan, recordedAt, kind, path, previousPath, before, after } = change;
  return {
    sequence,
    scan,
    recordedAt: new Date(recordedAt).toISOString(),
    kind,
    type: entryType((after ?? before)?.mode ?? 0),
    ...(await pathResult('path', path)),
    ...(previousPath && (await pathResult('previousPath', previousPath))),
    ...(before && { before: attributesResult(before) }),
    ...(after && { after: attributesResult(after) }),
  };
}

/** Attributes for `--json`: 64-bit numbers, which JSON readers round, are strings. */
function attributesResult(attributes: Attributes): Result {
  const { inode, mtimeNs, ctimeNs, bornNs, ...numbers } = attributes;
  return {
    ...numbers,
    inode: BigInt.asUintN(64, inode).toString(),
    mtimeNs: mtimeNs.toString(),
    ctimeNs: ctimeNs.toString(),
    ...(bornNs !== null && { bornNs: bornNs.toString() }),
  };
}

function parseKinds(text: string): readonly ChangeKind[] {
  return text.split(',').map((word) => {
    const kind = CHANGE_KINDS.find((known) => known === word);
    if (!kind) throw new InvalidArgumentError(`It must be some of ${CHANGE_KINDS.join(',')}.`);
    return kind;
  });
}
