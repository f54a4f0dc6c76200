import { readdir } from 'node:fs/promises';
import {
  type BatchedFile,
  type BatchOutcome,
  type Content,
  type FileStat,
  type PutOptions,
  watched,
} from '@filetracker/client';
import { COMPRESSION_LEVEL } from '@filetracker/durable-fs/zstd-frame';
import { type DirectoryName, type FileName, ProtocolError, type Version } from '@filetracker/protocol';
import { type OpenedStore, openStore } from '@filetracker/server/store';
import { MissingTarget } from './missing-target.js';
import type { ExistingFile, MigrationTarget } from './target.js';

/** The directory of a server as the target of a migration, without a server in between. */
export class StoreTarget implements MigrationTarget {
  private constructor(private readonly opened: OpenedStore) {}

  /**
   * Opens the store, or makes it where the directory is missing or empty. For a dry run it makes and changes nothing.
   * Throws `StoreOpenError`.
   */
  static async open(
    directory: string,
    {
      dryRun,
      onBackgroundError,
    }: { readonly dryRun: boolean; readonly onBackgroundError: (error: unknown) => void },
  ): Promise<MigrationTarget> {
    if (dryRun && (await isEmpty(directory))) return new MissingTarget();
    const opened = await openStore({
      directory,
      compressionLevel: COMPRESSION_LEVEL,
      durable: true,
      maxFileSize: Number.MAX_SAFE_INTEGER,
      keepTombstones: false,
      readOnly: dryRun,
      onBackgroundError,
    });
    return new StoreTarget(opened);
  }

  async *list(directory: DirectoryName): AsyncGenerator<readonly ExistingFile[]> {
    try {
      for await (const page of await this.opened.store.list(directory)) {
        yield page.map((known) => ({ name: known.name, known, stat: async () => known }));
      }
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.code !== 'not_a_directory') throw error;
    }
  }

  async stat(name: FileName): Promise<FileStat | undefined> {
    const opened = await this.opened.store
      .open(name, () => ({ view: 'none' }))
      .catch(undefinedIf('not_found'));
    return opened?.file;
  }

  async put(name: FileName, version: Version, content: Content, options: PutOptions): Promise<Version> {
    const { size, digest } = content;
    const request = { name, version, size };
    if (digest !== undefined && options.likelyStored) {
      const stored = await this.opened.store
        .putStored({ ...request, digest })
        .catch(undefinedIf('content_missing'));
      if (stored) return stored.version;
    }
    const bytes = content.bytes ?? watched(content.open(), size, options);
    return (await this.opened.store.put({ ...request, digest, content: bytes })).version;
  }

  putBatch(files: readonly BatchedFile[]): Promise<readonly BatchOutcome[]> {
    const put = ({ name, version, content, likelyStored }: BatchedFile) =>
      this.put(name, version, content, { likelyStored });
    // They share commits.
    return Promise.all(files.map((file) => put(file).catch((error: Error) => error)));
  }

  async delete(name: FileName, upTo: Version): Promise<void> {
    await this.opened.store.delete(name, upTo);
  }

  async close(): Promise<void> {
    await this.opened.close();
  }
}

/** Whether a directory is missing or empty; false also where that cannot be seen, which opening it tells. */
async function isEmpty(directory: string): Promise<boolean> {
  try {
    return (await readdir(directory)).every((entry) => entry === 'lost+found');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

/** Makes nothing of a refusal with this code. */
function undefinedIf(code: 'not_found' | 'content_missing'): (error: unknown) => undefined {
  return (error) => {
    if (!(error instanceof ProtocolError) || error.code !== code) throw error;
  };
}
