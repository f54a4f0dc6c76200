import { join } from 'node:path';
import { FileLock } from '@filetracker/durable-fs';
import { FsBlobStore } from '../blobs/fs.js';
import { FramePool } from '../codec/frame-pool.js';
import { type CheckpointPolicy, DEFAULT_CHECKPOINTS } from '../metadata/checkpoints/checkpointer.js';
import { LmdbMetadataStore } from '../metadata/lmdb/lmdb-metadata-store.js';
import { PLAIN_RULES, type StoreRules } from '../metadata/rules.js';
import { StoreOpenError } from './errors.js';
import { FileStore, type FileStoreOptions } from './file-store.js';
import { openFormat } from './format.js';

/** How a store on a local disk is opened. */
export interface OpenStoreOptions extends FileStoreOptions {
  readonly directory: string;
  /** zstd level of new contents. */
  readonly compressionLevel: number;
  /** False acknowledges changes before they are on the disk: faster, and a power cut may lose them. */
  readonly durable: boolean;
  /** When checkpoints of the metadata are taken; {@link DEFAULT_CHECKPOINTS} unless given. */
  readonly checkpoints?: CheckpointPolicy;
  /** What is permitted and kept; the same for all processes that share the store. */
  readonly rules?: StoreRules;
}

/** An open store and what closes it. */
export interface OpenedStore {
  readonly store: FileStore;
  /** Files that crashed processes had left and that were removed. */
  readonly swept: number;
  close(): Promise<void>;
}

/**
 * Opens the store in a directory, creating it if the directory is missing or empty. Servers share a store; a
 * program that needs it for itself holds its lock exclusively. Throws {@link StoreOpenError}.
 */
export async function openStore(options: OpenStoreOptions): Promise<OpenedStore> {
  const { directory, durable, rules = PLAIN_RULES } = options;
  try {
    await openFormat(directory, { create: !options.readOnly });
    const lock = FileLock.take(join(directory, 'lock'), 'shared');
    if (!lock) {
      throw new StoreOpenError(
        `${directory} is in use by a program that needs it for itself; try again later`,
      );
    }
    const metadata = LmdbMetadataStore.open(directory, {
      durable,
      rules,
      // A server that changes nothing leaves checkpoints to those that do.
      checkpoints: options.readOnly ? undefined : (options.checkpoints ?? DEFAULT_CHECKPOINTS),
      onError: options.onBackgroundError,
    });
    const blobs = await FsBlobStore.open(directory, { durable });
    const store = new FileStore(metadata, blobs, new FramePool(options.compressionLevel), options);
    const swept = await store.sweep();
    const close = async () => {
      await store.close();
      lock.release();
    };
    return { store, swept, close };
  } catch (error) {
    throw error instanceof StoreOpenError
      ? error
      : new StoreOpenError(reasonOf(error, directory), { cause: error });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied; choose another directory with -d or correct its owner and mode',
  EPERM: 'operation not permitted; choose another directory with -d or correct its owner and mode',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left on the disk',
  ENOTDIR: 'not a directory',
  EEXIST: 'not a directory',
};

function reasonOf(error: unknown, directory: string): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return `cannot open the store in ${directory}: ${REASONS[code ?? ''] ?? message}`;
}
