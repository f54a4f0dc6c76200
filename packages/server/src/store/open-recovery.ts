import { join } from 'node:path';
import { FileLock, isReadOnlyDisk } from '@filetracker/durable-fs';
import { isOutOfRoom, systemCode } from '@filetracker/durable-fs/system-code';
import { FsBlobStore } from '../blobs/fs.js';
import { CopyVerifier } from '../codec/copy-verifier.js';
import { DEFAULT_CHECKPOINTS } from '../metadata/checkpoints/checkpointer.js';
import { refuseUnreadable } from '../metadata/lmdb/damage.js';
import { LmdbMetadataStore } from '../metadata/lmdb/lmdb-metadata-store.js';
import {
  forgetRebuild,
  isRebuilt,
  type MetadataRebuildReport,
  rebuildMetadata,
} from '../metadata/lmdb/rebuild.js';
import { PLAIN_RULES } from '../metadata/rules.js';
import { ContentCheck } from './content-check.js';
import { StoreOpenError } from './errors.js';
import { openFormat } from './format.js';
import { refuseNameless } from './nameless.js';
import { OnlineCheck } from './online-check.js';
import { refuseForeignOwner } from './owner.js';
import { Recovery, type RecoveryOptions } from './recover.js';
import { nothingFound, type RecoveryFindings, type RecoveryListener } from './recovery-report.js';

/** How the store in a directory is recovered. */
export interface RecoverStoreOptions extends Omit<RecoveryOptions, 'keepStrays'> {
  readonly directory: string;
  /** Only look, beside servers that go on. */
  readonly online: boolean;
  /** Build the metadata anew, from the newest sound checkpoint and the journal. */
  readonly rebuild: boolean;
  /** Rebuild past damage in the journal. */
  readonly skipDamaged: boolean;
  /** Told what the metadata was rebuilt from. */
  readonly onRebuilt: (report: MetadataRebuildReport) => void;
  /** Breaks it off, as a crash would: another run goes on. */
  readonly signal: AbortSignal;
}

/** What keeps a recovery from going on, whatever it is about just then. */
const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left on the disk; make some, and run this again',
  EDQUOT: 'the disk quota is used up; make room within it, and run this again',
  EROFS: 'the file system is read-only; look with --dry-run, or mount it writable',
};

/**
 * Brings a store back to where names, counts and copies agree. Throws {@link StoreOpenError} when it is in use,
 * and `MetadataDamagedError` or `JournalDamagedError` with what to do.
 */
export async function recoverStore(
  options: RecoverStoreOptions,
  listener: RecoveryListener,
): Promise<RecoveryFindings> {
  const { directory, online } = options;
  await openFormat(directory, { create: false });
  if (!online && !options.dryRun) refuseForeignOwner(directory);
  const lock = FileLock.take(join(directory, 'lock'), online ? 'shared' : 'exclusive');
  if (!lock) {
    throw new StoreOpenError(
      online
        ? `${directory} is in use by a program that needs it for itself; try again later`
        : `${directory} is in use: stop its servers, or only look with --online`,
    );
  }
  try {
    if (options.rebuild) options.onRebuilt(await rebuildMetadata(directory, options));
    // Of a rebuild that only looks nothing is left to go on with.
    if (options.rebuild && options.dryRun) return nothingFound();
    await refuseNameless(directory);
    await refuseUnreadable(directory);
    return await recoverOpen(options, listener);
  } catch (error) {
    const reason = REASONS[systemCode(error) ?? ''];
    if (reason === undefined) throw error;
    throw new StoreOpenError(`${directory}: ${reason}`, { cause: error });
  } finally {
    lock.release();
  }
}

async function recoverOpen(
  options: RecoverStoreOptions,
  listener: RecoveryListener,
): Promise<RecoveryFindings> {
  const { directory, online, dryRun } = options;
  const looksOnly = online || dryRun;
  const frozen = looksOnly && isReadOnlyDisk(directory);
  const metadata = await LmdbMetadataStore.open(directory, {
    durable: true,
    frozen,
    rules: PLAIN_RULES,
    checkpoints: looksOnly ? undefined : DEFAULT_CHECKPOINTS,
    // What fails in the background fails again below, where it is told.
    onError: () => undefined,
  });
  const blobs = await FsBlobStore.open(directory, { durable: true, frozen });
  const verifier = new CopyVerifier(undefined, options.signal);
  try {
    const check = new ContentCheck(blobs, verifier);
    if (online)
      return await new OnlineCheck(metadata, metadata.audit(), blobs, check, options, listener).run();
    const keepStrays = await isRebuilt(directory);
    const recovery = { ...options, keepStrays };
    const found = await new Recovery(metadata.audit(), blobs, check, recovery, listener).run();
    if (dryRun) return found;
    // A rebuilt environment and the journal that it came from do not go together any more.
    await metadata.checkpointIfDue().catch((error: unknown) => {
      if (!isOutOfRoom(error)) throw error;
      listener.onWarning(
        'there is no room for a checkpoint of the metadata; a server takes one when there is',
      );
    });
    await forgetRebuild(directory);
    return found;
  } finally {
    await verifier.close();
    await metadata.close();
    await blobs.close();
  }
}
