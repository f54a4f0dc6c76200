import { writeFile } from 'node:fs/promises';
import { type FileStat, type ListedFile, NotADirectoryError } from '@filetracker/client';
import { ContentHash, hashing, writeAtomically } from '@filetracker/durable-fs';
import { type DirectoryName, type FileName, ProtocolError } from '@filetracker/protocol';
import { ContentDamagedError, type OpenedStore, openStore } from '@filetracker/server/store';
import { hasCode, UsageError } from '../output/failure.js';
import { singleChunk } from '../single-chunk.js';
import type { ExportSource } from './export-source.js';
import { hasFormat } from './has-format.js';

/** The files in the directory of a server, which may be running. */
export class StoreExport implements ExportSource {
  private constructor(private readonly opened: OpenedStore) {}

  /** Opens the store without changing anything in it. Throws {@link UsageError} and `StoreOpenError`. */
  static async open(directory: string, onBackgroundError: (error: unknown) => void): Promise<StoreExport> {
    // Opening would make a new store of an empty directory.
    if (!(await hasFormat(directory))) throw new UsageError(`there is no store in ${directory}`);
    const opened = await openStore({
      directory,
      compressionLevel: 1,
      durable: true,
      maxFileSize: Number.MAX_SAFE_INTEGER,
      keepTombstones: false,
      readOnly: true,
      onBackgroundError,
    });
    return new StoreExport(opened);
  }

  async *list(directory: DirectoryName): AsyncGenerator<ListedFile> {
    const pages = await this.opened.store.list(directory).catch((error: unknown) => {
      throw hasCode(error, 'not_a_directory') ? new NotADirectoryError(directory) : error;
    });
    for await (const page of pages) {
      for (const stat of page) yield { name: stat.name, stat };
    }
  }

  async stat(name: FileName): Promise<FileStat | undefined> {
    const opened = await this.opened.store.open(name, () => ({ view: 'none' })).catch(undefinedIfMissing);
    return opened?.file;
  }

  async save(name: FileName, path: string): Promise<FileStat | undefined> {
    const opened = await this.opened.store.open(name, () => ({ view: 'plain' })).catch(undefinedIfMissing);
    if (!opened) return undefined;
    const { file, content } = opened;
    const isStream = !(content instanceof Uint8Array);
    const hash = new ContentHash();
    try {
      await writeAtomically(
        path,
        (handle) => writeFile(handle, hashing(isStream ? content : singleChunk(content), hash)),
        {
          durable: false,
          finish: async (handle) => {
            if (hash.digest() !== file.digest) {
              throw new ContentDamagedError(file.digest, new Error('the bytes have another digest'));
            }
            await handle.utimes(file.version, file.version);
          },
        },
      );
    } finally {
      if (isStream) await content.close();
    }
    return file;
  }

  async close(): Promise<void> {
    await this.opened.close();
  }
}

function undefinedIfMissing(error: unknown): undefined {
  if (!(error instanceof ProtocolError) || error.code !== 'not_found') throw error;
}
