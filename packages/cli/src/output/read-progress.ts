import type { Amount } from '../migrate/source.js';
import { shareOf } from './files-progress.js';
import { formatSize } from './format.js';
import { formatCount, formatDuration } from './format-count.js';

/** How far the reading of files is after so many milliseconds; of `total` the bytes are 0 where they are not known. */
export function describeReading(done: Amount, total: Amount, elapsed: number): string {
  const of = (part: string, whole: string, isKnown: boolean) => (isKnown ? `${part} of ${whole}` : part);
  const parts = [
    `${of(formatCount(done.files), formatCount(total.files), total.files > 0)} files read`,
    of(formatSize(done.bytes), formatSize(total.bytes), total.bytes > 0),
    `${formatSize((done.bytes * 1000) / elapsed)}/s`,
  ];
  const share = shareOf(done, total);
  if (share > 0 && share < 1) parts.push(`about ${formatDuration((elapsed / share) * (1 - share))} left`);
  return parts.join(', ');
}
