import type { UnreadableDirectories } from '@filetracker/catalog';
import { displayPath } from '@filetracker/catalog/paths';
import { formatThings } from './format-count.js';

/** What could not be read, as a sentence. */
export function unreadableRemark({ count, example }: UnreadableDirectories): string {
  const what = `cannot read ${formatThings(count, 'directory', 'directories')}`;
  if (!example) return what;
  const lead = count === 1 ? ': ' : ', such as ';
  const which = `${displayPath(example.path)} (${example.reason})`;
  return `${what}${lead}${which}; the catalog keeps what it knew of ${count === 1 ? 'it' : 'them'}`;
}
