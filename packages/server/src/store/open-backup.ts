import { mkdir, readdir, rm } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { FileLock, makeDirectory, writeAtomically } from '@filetracker/durable-fs';
import { isOutOfRoom } from '@filetracker/durable-fs/system-code';
import { FsBlobStore } from '../blobs/fs.js';
import { LmdbMetadataStore } from '../metadata/lmdb/lmdb-metadata-store.js';
import { PLAIN_RULES } from '../metadata/rules.js';
import { type BackupReport, backUp } from './backup.js';
import { openError, StoreOpenError } from './errors.js';
import { createFormat, openFormat } from './format.js';
import { refuseNameless } from './nameless.js';

/** Says that a directory is a backup, also one that is not finished. */
const MARK = 'backup.json';

/** Where the copied metadata is until it takes its place. */
const TEMPORARY = '.snapshot.tmp';

/**
 * Backs the store in a directory up to another, which is missing, empty or an earlier backup. It is a store itself:
 * to restore it, serve it. Throws {@link StoreOpenError}.
 */
export async function backupStore(directory: string, target: string): Promise<BackupReport> {
  await openFormat(directory, { create: false });
  if (isInside(target, directory) || isInside(directory, target)) {
    throw new StoreOpenError(`${target} and ${directory} are within each other; choose another directory`);
  }
  const lock = FileLock.take(join(directory, 'lock'), 'shared');
  if (!lock) {
    throw new StoreOpenError(`${directory} is in use by a program that needs it for itself; try again later`);
  }
  try {
    await prepareTarget(target);
    const targetLock = FileLock.take(join(target, 'lock'), 'exclusive');
    if (!targetLock)
      throw new StoreOpenError(`${target} is in use: stop its server, or choose another directory`);
    try {
      return await backUpLocked(directory, target);
    } catch (error) {
      if (!isOutOfRoom(error)) throw error;
      const reason = `no space is left for the backup in ${target}; what was there before is whole`;
      throw new StoreOpenError(reason, { cause: error });
    } finally {
      targetLock.release();
    }
  } finally {
    lock.release();
  }
}

/** Whether an absolute path is a directory or lies in it. */
function isInside(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory.endsWith(sep) ? directory : `${directory}${sep}`);
}

async function backUpLocked(directory: string, target: string): Promise<BackupReport> {
  const temporary = join(target, TEMPORARY);
  await rm(temporary, { recursive: true, force: true });
  const { metadata, blobs } = await openSource(directory);
  const targetBlobs = await FsBlobStore.open(target, { durable: true });
  try {
    // What a backup left that was killed, or a server that ran on it. Published copies are looked at below.
    await targetBlobs.sweep(async () => true);
    await mkdir(temporary);
    const snapshot = () => metadata.snapshot(temporary);
    const report = await backUp({ blobs, snapshot }, { directory: target, blobs: targetBlobs });
    await rm(temporary, { recursive: true });
    await createFormat(target);
    return report;
  } finally {
    await Promise.all([metadata.close(), blobs.close(), targetBlobs.close()]);
  }
}

async function openSource(
  directory: string,
): Promise<{ readonly metadata: LmdbMetadataStore; readonly blobs: FsBlobStore }> {
  try {
    await refuseNameless(directory);
    const metadata = await LmdbMetadataStore.open(directory, { durable: true, rules: PLAIN_RULES });
    return { metadata, blobs: await FsBlobStore.open(directory, { durable: true }) };
  } catch (error) {
    throw openError(error, directory);
  }
}

async function prepareTarget(target: string): Promise<void> {
  makeDirectory(target);
  const entries = (await readdir(target)).filter((entry) => entry !== 'lost+found');
  if (entries.includes(MARK)) return;
  if (entries.length > 0) {
    throw new StoreOpenError(
      `${target} is neither empty nor a backup: it has no ${MARK}, but other files such as "${entries[0]}"`,
    );
  }
  await writeAtomically(join(target, MARK), async (file) => {
    await file.write('{"backup":1}\n');
  });
}
