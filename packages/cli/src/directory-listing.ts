import type { FileStat, FileTrackerClient, ListOptions } from '@filetracker/client';
import { parseDirectoryName } from '@filetracker/protocol';

/** A file found in a directory of the store. */
export interface DirectoryEntry {
  /** From the root, with a leading slash. */
  readonly name: string;
  /** Relative to the listed directory. */
  readonly relative: string;
  /** Present where it came with the listing. */
  readonly stat?: FileStat;
}

/** All files in and below a directory of the store. Throws `NotADirectoryError`. */
export async function* filesBelow(
  client: FileTrackerClient,
  directory: string,
  options: Omit<ListOptions, 'directory'>,
): AsyncGenerator<DirectoryEntry> {
  const skipped = prefixLength(directory);
  for await (const { name, stat } of client.listFiles({ ...options, directory })) {
    yield { name: `/${name}`, relative: name.slice(skipped), ...(stat && { stat }) };
  }
}

/** The files directly in a directory of the store and, with a closing slash, the directories in it. */
export async function* filesAndDirectoriesIn(
  client: FileTrackerClient,
  directory: string,
  options: Omit<ListOptions, 'directory'>,
): AsyncGenerator<DirectoryEntry | { readonly relative: string }> {
  const skipped = prefixLength(directory);
  for await (const child of client.listDirectory({ ...options, directory })) {
    const relative = child.name.slice(skipped);
    if (child.kind === 'directory') yield { relative: `${relative}/` };
    else yield { name: `/${child.name}`, relative, ...(child.stat && { stat: child.stat }) };
  }
}

/** Length of what a directory's name adds in front of the names in it. */
function prefixLength(directory: string): number {
  const { length } = parseDirectoryName(directory);
  return length === 0 ? 0 : length + 1;
}
