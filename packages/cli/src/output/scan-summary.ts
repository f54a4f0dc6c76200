import type { FingerprintCounts, ScanRun } from '@filetracker/catalog';
import { formatSize } from './format.js';
import { formatCount, formatDuration, formatGrowth, formatThings } from './format-count.js';
import type { Result } from './output.js';

/** What a run found, in a few words: `+312 new (4.1 GiB)  ~58 modified (+120.0 MiB)`. */
export function changeSummary({ changes, isBaseline }: ScanRun): string {
  if (isBaseline) return 'first scan';
  const { new: added, modified, renamed, removed, newDirectories, removedDirectories } = changes;
  const parts = [
    added.files > 0 && `+${formatCount(added.files)} new (${formatSize(added.bytes)})`,
    modified.files > 0 && `~${formatCount(modified.files)} modified (${formatGrowth(modified.bytes)})`,
    renamed.files > 0 && `→${formatCount(renamed.files)} renamed`,
    removed.files > 0 && `-${formatCount(removed.files)} removed (${formatSize(removed.bytes)})`,
    newDirectories > 0 && `+${formatThings(newDirectories, 'directory', 'directories')}`,
    removedDirectories > 0 && `-${formatThings(removedDirectories, 'directory', 'directories')}`,
  ].filter((part) => part !== false);
  return parts.length > 0 ? parts.join('  ') : 'no changes';
}

/** What a run could not read; empty when nothing. */
export function problemSummary({ errors, unreadableDirectories }: ScanRun): string {
  const others = errors - unreadableDirectories;
  const parts = [
    unreadableDirectories > 0 &&
      formatThings(unreadableDirectories, 'unreadable directory', 'unreadable directories'),
    others > 0 && formatThings(others, unreadableDirectories > 0 ? 'other error' : 'error'),
  ];
  return parts.map((part) => (part === false ? '' : `  ${part}`)).join('');
}

/** The line that ends a scan. */
export function scanSummary(run: ScanRun, root: string, name: string): string {
  const { totals, isBaseline } = run;
  const took = Math.max(1, run.finishedAt - run.startedAt);
  if (!isBaseline) return `${name}: ${changeSummary(run)}${problemSummary(run)}`;
  const what = [
    formatThings(totals.files, 'file'),
    formatThings(totals.directories, 'directory', 'directories'),
    formatSize(totals.bytes),
  ].join(', ');
  const rate = `${formatCount((totals.files / took) * 1000)} files/s`;
  return `${name} of ${root}: ${what} in ${formatDuration(took)} (${rate})${problemSummary(run)}`;
}

/** A run for `--json`; the paths are added by the caller. */
export function scanResult(run: ScanRun): Result {
  const { root: _, startedAt, finishedAt, historySince, ...rest } = run;
  return {
    ...rest,
    startedAt: new Date(startedAt).toISOString(),
    finishedAt: new Date(finishedAt).toISOString(),
    ...(historySince !== null && { historySince: new Date(historySince).toISOString() }),
  };
}

/** What came of reading files for their fingerprints. */
export function fingerprintSummary({ hashed, bytes, kept, changing, failed }: FingerprintCounts): string {
  const parts = [
    `${formatThings(hashed, 'file')} read (${formatSize(bytes)})`,
    kept > 0 && `${formatCount(kept)} known from before a rename`,
    changing > 0 && `${formatCount(changing)} changed meanwhile`,
    failed > 0 && `${formatCount(failed)} unreadable`,
  ].filter((part) => part !== false);
  return `fingerprints: ${parts.join('  ')}`;
}
