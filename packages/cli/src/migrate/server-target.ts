import type { Content, ListedFile, PutOptions } from '@filetracker/client';
import { NotADirectoryError, type RemoteDataStore } from '@filetracker/client';
import type { DirectoryName, FileName, Version } from '@filetracker/protocol';
import { compareNames } from './name-order.js';
import type { ExistingFile, MigrationTarget } from './target.js';

/** A server as the target of a migration. */
export class ServerTarget implements MigrationTarget {
  constructor(protected readonly store: RemoteDataStore) {}

  async *list(directory: DirectoryName, signal: AbortSignal): AsyncGenerator<ExistingFile> {
    try {
      const unordered: FileName[] = [];
      for await (const file of this.store.list(directory, { signal })) {
        // Listings of protocol 3 say what the files are and come in order; those of protocol 2 do neither.
        if (file.stat) yield this.#existing(file, signal);
        else unordered.push(file.name);
      }
      for (const name of unordered.sort(compareNames)) yield this.#existing({ name }, signal);
    } catch (error) {
      if (!(error instanceof NotADirectoryError)) throw error;
    }
  }

  put(name: FileName, version: Version, content: Content, options: PutOptions): Promise<Version | 'deleted'> {
    return this.store.put(name, version, content, options);
  }

  async delete(name: FileName, upTo: Version): Promise<void> {
    await this.store.delete(name, upTo);
  }

  async close(): Promise<void> {
    await this.store.close();
  }

  #existing({ name, stat }: ListedFile, signal: AbortSignal): ExistingFile {
    return { name, stat: async () => stat ?? this.store.stat(name, { signal }) };
  }
}
