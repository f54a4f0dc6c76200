import type { FileStat, ListedFile } from '@filetracker/client';
import type { DirectoryName, FileName } from '@filetracker/protocol';

/** A store that is written out as plain files. */
export interface ExportSource {
  /** The files in and below a directory. Throws where that is none. */
  list(directory: DirectoryName, signal: AbortSignal): AsyncIterable<ListedFile>;
  /** What is stored under a name, where the listing does not say it; undefined if it is gone by now. */
  stat(name: FileName): Promise<FileStat | undefined>;
  /**
   * Writes the newest content to a path, checked and whole, with its version as the modification time. Undefined if
   * it is gone by now.
   */
  save(name: FileName, path: string, signal: AbortSignal): Promise<FileStat | undefined>;
  close(): Promise<void>;
}
