import type { FileStat, FileTrackerClient } from '@filetracker/client';
import { parseDirectoryName } from '@filetracker/protocol';

/** A file found below a directory of the store. */
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
  signal: AbortSignal,
): AsyncGenerator<DirectoryEntry> {
  const prefix = parseDirectoryName(directory);
  for await (const { name, stat } of client.listFiles({ directory, signal })) {
    const relative = prefix === '' ? name : name.slice(prefix.length + 1);
    yield { name: `/${name}`, relative, ...(stat && { stat }) };
  }
}
