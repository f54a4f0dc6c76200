import type { ChangeKind } from '@filetracker/catalog';
import { type ChangeReport, errorWords, type Period } from '@filetracker/catalog/reports';
import { CHANGE_KINDS } from '../change-kinds.js';
import type { Result } from '../output/output.js';
import { jsonPathFields } from '../output/path-fields.js';

type PeriodColumn = 'start' | `${ChangeKind}${'Files' | 'Bytes'}` | 'growth' | 'movedBytes';

/** The columns of {@link periodRow}. */
export const PERIOD_COLUMNS: readonly PeriodColumn[] = [
  'start',
  ...CHANGE_KINDS.flatMap((kind) => [`${kind}Files`, `${kind}Bytes`] as const),
  'growth',
  'movedBytes',
];

/** One period as a row for programs. */
export function periodRow({ start, kinds, growth, moved }: Period) {
  const { new: added, modified, renamed, removed } = kinds;
  return {
    start: new Date(start).toISOString(),
    newFiles: added.files,
    newBytes: added.bytes,
    modifiedFiles: modified.files,
    modifiedBytes: modified.bytes,
    renamedFiles: renamed.files,
    renamedBytes: renamed.bytes,
    removedFiles: removed.files,
    removedBytes: removed.bytes,
    growth,
    movedBytes: moved,
  };
}

/** A whole report as one object for programs. */
export function reportResult(report: ChangeReport): Result {
  const { path, after, upTo, knownSince, moved, periods, growing, shrinking, churning, errors, ...rest } =
    report;
  const withPath = <Row extends { readonly path: Parameters<typeof jsonPathFields>[0] }>({
    path,
    ...row
  }: Row) => ({
    ...jsonPathFields(path),
    ...row,
  });
  return {
    ...(path === undefined ? {} : jsonPathFields(path)),
    since: new Date(after).toISOString(),
    until: new Date(upTo).toISOString(),
    ...rest,
    knownSince: knownSince === null ? null : new Date(knownSince).toISOString(),
    movedBytes: moved,
    periods: periods.map(periodRow),
    growing: growing.map(withPath),
    shrinking: shrinking.map(withPath),
    churning: churning.map(withPath),
    largestNew: rest.largestNew.map(withPath),
    largestRemoved: rest.largestRemoved.map(withPath),
    errors: errors.map((error) => ({ ...withPath(error), message: errorWords(error.errno) })),
  };
}
