import type { Attributes, Catalog, ChangeFilter, ChangeKind, FileChange } from '@filetracker/catalog';
import { type Command, InvalidArgumentError } from 'commander';
import { withCatalog } from '../catalog-command.js';
import { CHANGE_KINDS, CHANGE_SIGNS } from '../change-kinds.js';
import type { CommandContext } from '../context.js';
import { inGroups } from '../in-groups.js';
import { parseMoment } from '../moment.js';
import { parseSize, wholeNumber } from '../number-argument.js';
import { formatSize, formatVersion } from '../output/format.js';
import { formatGrowth } from '../output/format-count.js';
import type { Result } from '../output/output.js';
import type { RowPrinter } from '../output/row-printer.js';
import { recordedPath, reportCommand, rowPrinter } from '../report-command.js';
import { UnknownScanError } from '../unknown-scan-error.js';

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
    .action(async (path: string | undefined, flags: ChangesFlags, command: Command) => {
      const rows = rowPrinter(command, output);
      const place = path === undefined ? {} : { path: await recordedPath(command, path) };
      return withCatalog(command, { create: false }, async (catalog) => {
        const form = await changeForm(rows);
        const changes = catalog.changes({ ...place, ...changeFilter(flags) });
        let isEmpty = true;
        for await (const some of inGroups(changes, PRINTED_TOGETHER)) {
          isEmpty = false;
          await rows.printAll(some, form);
        }
        if (isEmpty && flags.scan !== undefined) await requireScan(catalog, flags.scan);
      });
    });
}

/** Changes that one system call prints. */
const PRINTED_TOGETHER = 500;

/** How a change is shown. */
async function changeForm(rows: RowPrinter) {
  const { changedAspects, displayPath, entryType, isDirectory } = await import('@filetracker/catalog/scan');
  const pathFields = await rows.pathFields();
  const aspectsOf = ({ before, after }: FileChange) =>
    before && after ? changedAspects(before, after) : undefined;
  const place = ({ sequence, scan, recordedAt, kind, path, before, after }: FileChange) => ({
    sequence,
    scan,
    recordedAt: new Date(recordedAt).toISOString(),
    kind,
    type: entryType((after ?? before)?.mode ?? 0),
    ...pathFields(path),
  });
  const text = (change: FileChange) => {
    const { kind, path, previousPath, recordedAt, before, after } = change;
    const directory = isDirectory((after ?? before)?.mode ?? 0);
    const from = previousPath ? `  (was ${displayPath(previousPath)})` : '';
    const when = formatVersion(Math.floor(recordedAt / 1000));
    const size = (directory ? '' : sizeColumn(change)).padStart(SIZE_WIDTH);
    return `${when}  ${CHANGE_SIGNS[kind]} ${size}  ${displayPath(path)}${directory ? '/' : ''}${from}`;
  };
  const flat = (change: FileChange): Result => ({
    ...place(change),
    ...(change.previousPath === null
      ? { previousPath: null, previousPathBase64: null }
      : pathFields(change.previousPath, 'previousPath')),
    sizeBefore: change.before?.size ?? null,
    sizeAfter: change.after?.size ?? null,
    mtimeNsBefore: change.before?.mtimeNs.toString() ?? null,
    mtimeNsAfter: change.after?.mtimeNs.toString() ?? null,
    changed: aspectsOf(change)?.join(' ') ?? null,
  });
  const nested = (change: FileChange): Result => {
    const { previousPath, before, after } = change;
    const changed = aspectsOf(change);
    return {
      ...place(change),
      ...(previousPath && pathFields(previousPath, 'previousPath')),
      ...(before && { before: attributesResult(before) }),
      ...(after && { after: attributesResult(after) }),
      ...(changed && { changed }),
    };
  };
  return { text, row: rows.isCsv ? flat : nested };
}

/** Tells a scan that found nothing from one that there is none of. */
async function requireScan(catalog: Catalog, scan: number): Promise<void> {
  for await (const { id } of catalog.scans()) if (id === scan) return;
  throw new UnknownScanError(scan);
}

function changeFilter(flags: ChangesFlags): ChangeFilter {
  const { scan, since, until, kind, minSize } = flags;
  return {
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
