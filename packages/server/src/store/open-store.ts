import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { FileLock, isReadOnlyDisk } from '@filetracker/durable-fs';
import { FsBlobStore } from '../blobs/fs.js';
import { CopyVerifier } from '../codec/copy-verifier.js';
import { FramePool } from '../codec/frame-pool.js';
import { type CheckpointPolicy, DEFAULT_CHECKPOINTS } from '../metadata/checkpoints/checkpointer.js';
import { LmdbMetadataStore } from '../metadata/lmdb/lmdb-metadata-store.js';
import { PLAIN_RULES, type StoreRules } from '../metadata/rules.js';
import { ContentCheck } from './content-check.js';
import { openError, StoreOpenError } from './errors.js';
import { FileStore, type FileStoreOptions } from './file-store.js';
import { openFormat } from './format.js';
import { refuseNameless } from './nameless.js';
import { refuseForeignOwner } from './owner.js';
import { agreeOnRetention } from './retention.js';
import { Scrubber } from './scrub.js';
import { ScrubLog } from './scrub-log.js';

/** How a store on a local disk is opened. */
export interface OpenStoreOptions extends FileStoreOptions {
  readonly directory: string;
  /** zstd level of new contents. */
  readonly compressionLevel: number;
  /** False acknowledges changes before they are on the disk: faster, and a power cut may lose them. */
  readonly durable: boolean;
  /** Told when this process can use the store no more, not even to read; it should end, and another can take over. */
  readonly onUnusable?: (error: unknown) => void;
  /** When checkpoints of the metadata are taken; {@link DEFAULT_CHECKPOINTS} unless given. */
  readonly checkpoints?: CheckpointPolicy;
  /** Time for a pass of scrubbing, in milliseconds; without it contents are verified only when they are read. */
  readonly scrubInterval?: number;
  /** What is permitted and kept. Without it everything is permitted, and nothing forgotten that the last server kept. */
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
  const { directory, durable } = options;
  try {
    await openFormat(directory, { create: !options.readOnly });
    if (!options.readOnly) refuseForeignOwner(directory);
    const frozen = options.readOnly === true && isReadOnlyDisk(directory);
    if (!frozen) await access(directory, constants.W_OK);
    const lock = FileLock.take(join(directory, 'lock'), 'shared');
    if (!lock) {
      throw new StoreOpenError(
        `${directory} is in use by a program that needs it for itself; try again later`,
      );
    }
    await refuseNameless(directory);
    // A server that changes nothing forgets nothing.
    const retention = options.readOnly
      ? undefined
      : await agreeOnRetention(directory, options.rules?.history);
    const rules = options.rules ?? { ...PLAIN_RULES, history: retention?.limits ?? PLAIN_RULES.history };
    const metadata = await LmdbMetadataStore.open(directory, {
      durable,
      frozen,
      rules,
      // A server that changes nothing leaves checkpoints to those that do.
      checkpoints: options.readOnly ? undefined : (options.checkpoints ?? DEFAULT_CHECKPOINTS),
      onError: options.onBackgroundError,
      onUnusable: options.onUnusable,
    });
    const blobs = await FsBlobStore.open(directory, { durable, frozen });
    const scrubLog = new ScrubLog(directory);
    const store = new FileStore(metadata, blobs, new FramePool(options.compressionLevel), {
      ...options,
      scrubState: () => scrubLog.load(),
    });
    const swept = await store.sweep();
    const stopScrubbing = options.readOnly ? undefined : scrub(metadata, blobs, scrubLog, options);
    const close = async () => {
      await stopScrubbing?.();
      await store.close();
      retention?.release();
      lock.release();
    };
    return { store, swept, close };
  } catch (error) {
    throw openError(error, directory);
  }
}

/** Begins to verify contents in the background, if that is wanted. Call what it returns to end it. */
function scrub(
  metadata: LmdbMetadataStore,
  blobs: FsBlobStore,
  log: ScrubLog,
  { scrubInterval: interval, onBackgroundError: onError }: OpenStoreOptions,
): (() => Promise<void>) | undefined {
  if (!interval) return undefined;
  const verifier = new CopyVerifier(1);
  const check = new ContentCheck(blobs, verifier);
  const scrubber = new Scrubber(metadata, metadata.audit(), check, log, { interval, onError });
  scrubber.start();
  return async () => {
    await scrubber.close();
    await verifier.close();
  };
}
