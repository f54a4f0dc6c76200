import type { Mutation, MutationKind } from '@filetracker/catalog';
import { displayPath, entryType, isDirectory } from '@filetracker/catalog/paths';
import { CHANGE_SIGNS } from '../change-kinds.js';
import { formatSize, formatVersion } from './format.js';
import { formatGrowth } from './format-count.js';
import type { Result } from './output.js';
import { jsonPathFields } from './path-fields.js';

const SIZE_WIDTH = 11;

const SIGNS: Readonly<Record<MutationKind, string>> = { ...CHANGE_SIGNS, scan: '=', gap: '!' };

/** An event as a line for people. */
export function mutationLine(mutation: Mutation): string {
  const { kind, path, previousPath, before, after, recordedAt } = mutation;
  const folder = isDirectory((after ?? before)?.mode ?? 0);
  const size = folder ? '' : sizeColumn(mutation);
  const from = previousPath === null ? '' : `  (was ${displayPath(previousPath)})`;
  const remark = REMARKS[kind] ?? '';
  const when = formatVersion(Math.floor(recordedAt / 1000));
  return `${when}  ${SIGNS[kind]} ${size.padStart(SIZE_WIDTH)}  ${displayPath(path)}${folder ? '/' : ''}${from}${remark}`;
}

const REMARKS: Partial<Readonly<Record<MutationKind, string>>> = {
  scan: '  (a scan found changes)',
  gap: '  (events were lost; what changed follows)',
};

/** An event for programs. */
export function mutationResult(mutation: Mutation): Result {
  const { sequence, recordedAt, kind, path, previousPath, scan, before, after } = mutation;
  const attributes = after ?? before;
  return {
    cursor: sequence,
    recordedAt: new Date(recordedAt).toISOString(),
    kind,
    ...(attributes && { type: entryType(attributes.mode) }),
    ...jsonPathFields(path),
    ...(previousPath !== null && jsonPathFields(previousPath, 'previousPath')),
    ...(scan !== null && { scan }),
    ...(before && { sizeBefore: before.size }),
    ...(after && { sizeAfter: after.size, mtimeNs: after.mtimeNs.toString() }),
  };
}

function sizeColumn({ kind, before, after }: Mutation): string {
  if (kind === 'modified' && before && after) return formatGrowth(after.size - before.size);
  const attributes = after ?? before;
  return attributes ? formatSize(attributes.size) : '';
}
