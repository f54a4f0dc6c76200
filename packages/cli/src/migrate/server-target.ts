import type {
  BatchedFile,
  BatchOutcome,
  CallOptions,
  Content,
  FileStat,
  ListedFile,
  PutOptions,
} from '@filetracker/client';
import { FileNotFoundError, NotADirectoryError, type RemoteDataStore } from '@filetracker/client';
import type { DirectoryName, FileName, Version } from '@filetracker/protocol';
import { compareNames } from './name-order.js';
import type { ChangeFeed, ExistingFile, MigrationTarget } from './target.js';

/** A server as the target of a migration. */
export class ServerTarget implements MigrationTarget {
  readonly feed: ChangeFeed | undefined = {
    changes: (since, signal) => this.store.changes({ since, signal }),
  };

  constructor(protected readonly store: RemoteDataStore) {}

  async *list(directory: DirectoryName, signal: AbortSignal): AsyncGenerator<readonly ExistingFile[]> {
    try {
      const unordered: FileName[] = [];
      for await (const page of this.store.listPages(directory, { signal })) {
        // Listings of protocol 3 say what the files are and come in order; those of protocol 2 do neither.
        if (page[0]?.stat) yield page.map((file) => this.#existing(file, signal));
        else for (const { name } of page) unordered.push(name);
      }
      if (unordered.length > 0) {
        yield unordered.sort(compareNames).map((name) => this.#existing({ name }, signal));
      }
    } catch (error) {
      if (!(error instanceof NotADirectoryError)) throw error;
    }
  }

  /** What another server has, to which this one would redirect, is not stored here. */
  async stat(name: FileName, signal: AbortSignal): Promise<FileStat | undefined> {
    const found = await this.store.statHere(name, { signal });
    return typeof found === 'string' ? undefined : found;
  }

  put(name: FileName, version: Version, content: Content, options: PutOptions): Promise<Version | 'deleted'> {
    return this.store.put(name, version, content, options);
  }

  putBatch(
    files: readonly BatchedFile[],
    options: CallOptions,
  ): Promise<readonly (BatchOutcome | 'deleted')[]> {
    return this.store.putBatch(files, options);
  }

  async delete(name: FileName, upTo: Version): Promise<void> {
    await this.store.delete(name, upTo).catch((error: unknown) => {
      // Somebody else was faster, or this request the first time that it was sent.
      if (!(error instanceof FileNotFoundError)) throw error;
    });
  }

  async close(): Promise<void> {
    await this.store.close();
  }

  #existing({ name, stat }: ListedFile, signal: AbortSignal): ExistingFile {
    return {
      name,
      ...(stat && { known: stat }),
      stat: async () => stat ?? this.stat(name, signal),
    };
  }
}
