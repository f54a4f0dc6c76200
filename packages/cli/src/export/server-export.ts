import { FileNotFoundError, type FileStat, type ListedFile, type RemoteDataStore } from '@filetracker/client';
import type { DirectoryName, FileName } from '@filetracker/protocol';
import type { ExportSource } from './export-source.js';

/** The files of a server. */
export class ServerExport implements ExportSource {
  constructor(private readonly store: RemoteDataStore) {}

  list(directory: DirectoryName, signal: AbortSignal): AsyncIterable<ListedFile> {
    return this.store.list(directory, { signal });
  }

  stat(name: FileName): Promise<FileStat | undefined> {
    return this.store.stat(name);
  }

  async save(name: FileName, path: string, signal: AbortSignal): Promise<FileStat | undefined> {
    return this.store.save(name, path, { signal }).catch((error: unknown) => {
      if (error instanceof FileNotFoundError) return undefined;
      throw error;
    });
  }

  async close(): Promise<void> {
    await this.store.close();
  }
}
