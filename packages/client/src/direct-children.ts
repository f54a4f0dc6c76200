import { type DirectoryName, parseFileName } from '@filetracker/protocol';
import type { DirectoryChild, ListedFile } from './data-store.js';

/** What is directly in a directory, of a listing of all that is below it: every directory comes once. */
export async function* directChildren(
  directory: DirectoryName,
  files: AsyncIterable<ListedFile>,
): AsyncGenerator<DirectoryChild> {
  const skipped = directory === '' ? 0 : directory.length + 1;
  const seen = new Set<string>();
  for await (const file of files) {
    const slash = file.name.indexOf('/', skipped);
    if (slash < 0) {
      yield { kind: 'file', ...file };
      continue;
    }
    const child = parseFileName(file.name.slice(0, slash));
    if (seen.has(child)) continue;
    seen.add(child);
    yield { kind: 'directory', name: child };
  }
}
