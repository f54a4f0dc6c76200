import type { ScanProgress } from '@filetracker/catalog';
import { formatCount, formatDuration, formatThings } from './format-count.js';

/** How far a scan is after so many milliseconds. */
export function describeScan(
  { files, directories, errors, expectedFiles, isRead }: ScanProgress,
  elapsed: number,
): string {
  const read = `${formatThings(files, 'file')} in ${formatThings(directories, 'directory', 'directories')}`;
  if (isRead) return `${read}, writing what came of it`;
  const parts = [read, `${formatCount((files / elapsed) * 1000)} files/s`];
  if (errors > 0) parts.push(formatThings(errors, 'error'));
  if (expectedFiles !== undefined && expectedFiles > files && files > 0) {
    parts.push(`about ${formatDuration((elapsed * (expectedFiles - files)) / files)} left`);
  }
  return parts.join(', ');
}
