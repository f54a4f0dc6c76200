import type { Attributes, ChangeFilter, ChangeKind, FileChange } from '@filetracker/catalog';
import { changedAspects, displayPath, entryType, isDirectory } from '@filetracker/catalog/paths';
import { type Command, InvalidArgumentError } from 'commander';
import { withCatalog } from '../catalog-command.js';
import { CHANGE_KINDS, CHANGE_SIGNS } from '../change-kinds.js';
import type { CommandContext } from '../context.js';
import { findScan } from '../find-scan.js';
import { inGroups } from '../in-groups.js';
import { knownPathOrAll } from '../known-path.js';
import { parseSize, wholeNumber } from '../number-argument.js';
import { formatSize, formatVersion } from '../output/format.js';
import { formatGrowth } from '../output/format-count.js';
import type { Result } from '../output/output.js';
import type { RowPrinter } from '../output/row-printer.js';
import { reportCommand, rowPrinter, withDatabase } from '../report-command.js';
import { parseScanMoment, type RecordedRange, recordedBetween, type ScanMoment } from '../scan-moment.js';

const SIZE_WIDTH = 11;

interface ChangesFlags {
  readonly scan?: number;
  readonly since?: ScanMoment;
  readonly until?: ScanMoment;
  readonly kind?: readonly ChangeKind[];
  readonly minSize?: number;
}

/** `filetracker changes`: lists what scans found changed, oldest first. */
export function changesCommand({ output }: CommandContext): Command {
  return reportCommand('changes', 'list what scans found changed, oldest first', [
    'filetracker changes --since 24h --kind removed /data/projects/alpha',
    'filetracker changes --since scan:12 --until scan:15',
    'filetracker changes --scan 12 --min-size 1GiB --json',
  ])
    .argument('[path]', 'only changes of this file or directory and below it')
    .option('--scan <n>', 'found by this scan', wholeNumber(1))
    .option(
      '--since <when>',
      'recorded since: 24h, 7d, a date, or after scan:12 (default: all)',
      parseScanMoment,
    )
    .option('--until <when>', 'recorded before, or up to scan:15', parseScanMoment)
    .option('--kind <kinds>', `of these kinds: ${CHANGE_KINDS.join(',')}`, parseKinds)
    .option('--min-size <size>', 'of files of at least this size: 4096, 10MiB', parseSize)
    .action(async (path: string | undefined, flags: ChangesFlags, command: Command) => {
      const rows = rowPrinter(command, output);
      const { isMeant, ...range } = await recordedRange(command, path, flags);
      return withCatalog(command, { create: false }, async (catalog) => {
        const print = await changePrinter(rows);
        const changes = catalog.changes({ ...range, ...changeFilter(flags) });
        let isEmpty = true;
        for await (const some of inGroups(changes, PRINTED_TOGETHER)) {
          isEmpty = false;
          await print(isMeant ? some.filter(isMeant) : some);
        }
        // Tells a scan that found nothing from one that there is none of.
        if (isEmpty && flags.scan !== undefined) await findScan(catalog, flags.scan);
      });
    });
}

/** Changes that one system call prints. */
const PRINTED_TOGETHER = 500;

const COLUMNS = [
  'sequence',
  'scan',
  'recordedAt',
  'kind',
  'type',
  'path',
  'pathBase64',
  'previousPath',
  'previousPathBase64',
  'sizeBefore',
  'sizeAfter',
  'mtimeNsBefore',
  'mtimeNsAfter',
  'changed',
] as const;

/** Gives the function that shows changes. */
async function changePrinter(rows: RowPrinter) {
  const { pathFields } = rows;
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
  const row = (change: FileChange) => ({
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
  const json = (change: FileChange): Result => {
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
  const table = await rows.table(COLUMNS);
  return (changes: readonly FileChange[]) => table.printAll(changes, { text, row, json });
}

/** What of the range only the tables of the catalog tell, which are not looked at where nothing is asked of them. */
async function recordedRange(
  command: Command,
  path: string | undefined,
  { since, until }: ChangesFlags,
): Promise<Pick<ChangeFilter, 'path'> & Partial<RecordedRange>> {
  const isNumber = (when: ScanMoment | undefined) => when === undefined || typeof when === 'number';
  if (path === undefined && isNumber(since) && isNumber(until)) {
    return { ...(since !== undefined && { since }), ...(until !== undefined && { until }) };
  }
  return withDatabase(command, async (database) => ({
    ...(await knownPathOrAll(database, path)),
    ...(await recordedBetween(database, since, until)),
  }));
}

function changeFilter({ scan, kind, minSize }: ChangesFlags): ChangeFilter {
  return {
    ...(scan !== undefined && { scan }),
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
