import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import {
  constants,
  copyFile,
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  rename,
  statfs,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import {
  FileLock,
  removeIfPresent,
  syncDirectory,
  syncFile,
  temporaryName,
  writeAtomically,
} from '@filetracker/durable-fs';
import { type Digest, parseDigest } from '@filetracker/protocol';
import type { BlobId, BlobStore, OpenBlob, StagedBlob, StoredCopy } from './blob-store.js';
import { Session } from './session.js';

/** Between two attempts to hold deletions, in milliseconds. */
const HOLD_RETRY = 20;

/**
 * Blobs as files. A copy's id is its path below the store: `blobs/ab/<sha256>-<unique>.zst`.
 *
 * While a copy is written it stands in this process's session directory below `tmp/`. Publishing links it into
 * `blobs/` and keeps the first name until the copy is claimed, so that after a crash the session directory lists
 * exactly the copies that metadata may not name: the sweep looks at those and never at the whole of `blobs/`.
 */
export class FsBlobStore implements BlobStore {
  private constructor(
    private readonly root: string,
    private readonly session: Session | undefined,
    private readonly durable: boolean,
  ) {}

  /**
   * Opens the blob directories below `root`, creating them where they are missing.
   *
   * @param options.durable false leaves it to the operating system when blobs reach the disk
   * @param options.frozen true on a disk that nobody can write to: nothing is made, and blobs can only be read
   */
  static async open(
    root: string,
    { durable, frozen = false }: { readonly durable: boolean; readonly frozen?: boolean },
  ): Promise<FsBlobStore> {
    if (frozen) return new FsBlobStore(root, undefined, durable);
    await createDirectories(root);
    return new FsBlobStore(root, await Session.create(join(root, 'tmp')), durable);
  }

  /** Whether there is any copy below `root`. */
  static async hasCopies(root: string): Promise<boolean> {
    const blobs = join(root, 'blobs');
    for (let byte = 0; byte < 256; byte++) {
      const files = await readdir(join(blobs, directoryOf(byte))).catch(noneIfMissing);
      if (files.some((file) => digestOf(file) !== undefined)) return true;
    }
    return false;
  }

  /** Where copies are written. */
  get #staging(): string {
    if (this.session) return this.session.directory;
    throw Object.assign(new Error('EROFS: the disk is read-only'), { code: 'EROFS' });
  }

  async stage(): Promise<StagedBlob> {
    const unique = randomBytes(8).toString('hex');
    const handle = await open(join(this.#staging, unique), 'wx');
    return new StagedFile(this.root, this.#staging, unique, handle, this.durable);
  }

  async open(id: BlobId): Promise<OpenBlob | undefined> {
    try {
      const handle = await open(join(this.root, id), 'r');
      return { fd: handle.fd, close: () => handle.close() };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  pathOf(id: BlobId): string {
    return join(this.root, id);
  }

  async claim(id: BlobId): Promise<void> {
    await removeIfPresent(join(this.#staging, basename(id)));
  }

  async delete(id: BlobId): Promise<void> {
    await removeIfPresent(join(this.root, id));
    // A copy that was published and not claimed still has its name in the session directory.
    await removeIfPresent(join(this.#staging, basename(id)));
  }

  async deleteDurably(ids: readonly BlobId[]): Promise<'deleted' | 'held'> {
    if (ids.length === 0) return 'deleted';
    const permit = FileLock.take(this.#deletionsLock, 'shared');
    if (!permit) return 'held';
    try {
      await this.#deleteDurably(ids);
    } finally {
      permit.release();
    }
    return 'deleted';
  }

  async holdDeletions(): Promise<() => void> {
    for (;;) {
      const hold = FileLock.take(this.#deletionsLock, 'exclusive');
      if (hold) return () => hold.release();
      // Those under way take milliseconds.
      await setTimeout(HOLD_RETRY);
    }
  }

  async mirror(id: BlobId, target: string): Promise<'linked' | 'copied' | 'present'> {
    const path = join(target, id);
    try {
      await link(join(this.root, id), path);
      return 'linked';
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') return 'present';
      // Another file system, or one without hard links, or with too many of them.
      if (!['EXDEV', 'EPERM', 'ENOTSUP', 'EMLINK'].includes(code ?? '')) throw error;
    }
    const temporary = join(target, 'tmp', temporaryName());
    try {
      await copyFile(join(this.root, id), temporary, constants.COPYFILE_FICLONE);
      await syncFile(temporary);
      await rename(temporary, path);
    } catch (error) {
      await removeIfPresent(temporary);
      throw error;
    }
    return 'copied';
  }

  async syncNames(): Promise<void> {
    const blobs = join(this.root, 'blobs');
    for (const directory of await readdir(blobs)) await syncDirectory(join(blobs, directory));
  }

  get #deletionsLock(): string {
    return join(this.root, 'deletions.lock');
  }

  async #deleteDurably(ids: readonly BlobId[]): Promise<void> {
    await Promise.all(ids.map((id) => this.delete(id)));
    if (!this.durable) return;
    const directories = new Set(ids.map((id) => dirname(join(this.root, id))));
    await Promise.all([...directories].map(syncDirectory));
  }

  async sweep(isNamed: (id: BlobId, digest: Digest) => Promise<boolean>): Promise<number> {
    let removed = 0;
    for (const file of await backupCopies(this.root)) {
      await removeIfPresent(file);
      removed++;
    }
    for await (const { directory, files } of Session.abandoned(join(this.root, 'tmp'))) {
      for (const file of files) {
        const digest = digestOf(file);
        if (digest !== undefined) {
          const id = blobPath(digest, file);
          if (!(await isNamed(id, digest))) {
            await removeIfPresent(join(this.root, id));
            removed++;
          }
        } else removed++;
        await removeIfPresent(join(directory, file));
      }
      await Session.remove(directory);
    }
    return removed;
  }

  async copies(firstByte: number): Promise<readonly StoredCopy[]> {
    const directory = directoryOf(firstByte);
    const copies: StoredCopy[] = [];
    for (const file of await readdir(join(this.root, 'blobs', directory)).catch(noneIfMissing)) {
      const digest = digestOf(file);
      if (digest?.slice(0, 2) !== directory) continue;
      // One after the other on this thread: a stat takes 3 µs so, and 20 µs as a promise.
      const stats = statSync(join(this.root, blobPath(digest, file)), { throwIfNoEntry: false });
      if (stats) copies.push({ id: blobPath(digest, file), digest, bytes: stats.size });
    }
    return copies;
  }

  async quarantine(id: BlobId): Promise<string> {
    const directory = await this.#quarantineDirectory();
    const path = join(directory, basename(id));
    await rename(join(this.root, id), path);
    await Promise.all([directory, dirname(join(this.root, id))].map(syncDirectory));
    return path;
  }

  async quarantineBytes(digest: Digest, bytes: Uint8Array): Promise<string> {
    const path = join(await this.#quarantineDirectory(), `${digest}-inline`);
    await writeAtomically(path, async (file) => {
      await file.write(bytes);
    });
    return path;
  }

  async #quarantineDirectory(): Promise<string> {
    const directory = join(this.root, 'quarantine');
    if (await mkdir(directory, { recursive: true })) await syncDirectory(this.root);
    return directory;
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.root);
    return bavail * bsize;
  }

  async close(): Promise<void> {
    await this.session?.close();
  }
}

class StagedFile implements StagedBlob {
  /** Every name that the file has by now. */
  readonly #paths: string[];
  #open = true;

  constructor(
    private readonly root: string,
    private readonly session: string,
    private readonly unique: string,
    private readonly handle: FileHandle,
    private readonly durable: boolean,
  ) {
    this.#paths = [join(session, unique)];
  }

  async write(bytes: Uint8Array): Promise<void> {
    let offset = 0;
    // A write to a file that is running out of room may be short; the next one then fails with ENOSPC.
    while (offset < bytes.byteLength) {
      offset += (await this.handle.write(bytes, offset)).bytesWritten;
    }
  }

  async publish(digest: Digest): Promise<BlobId> {
    const file = `${digest}-${this.unique}.zst`;
    const id = blobPath(digest, file);
    const unclaimed = join(this.session, file);
    const published = join(this.root, id);
    if (this.durable) await this.handle.datasync();
    await this.#close();
    await rename(join(this.session, this.unique), unclaimed);
    this.#paths.push(unclaimed, published);
    await link(unclaimed, published);
    if (this.durable) await syncDirectory(dirname(published));
    this.#paths.length = 0;
    return id;
  }

  async discard(): Promise<void> {
    await this.#close();
    await Promise.all(this.#paths.splice(0).map(removeIfPresent));
  }

  async #close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.handle.close();
  }
}

function blobPath(digest: Digest, file: string): BlobId {
  return `blobs/${digest.slice(0, 2)}/${file}` as BlobId;
}

function directoryOf(firstByte: number): string {
  return firstByte.toString(16).padStart(2, '0');
}

function digestOf(file: string): Digest | undefined {
  const match = /^([0-9a-f]{64})-[0-9a-f]{16}\.zst$/.exec(file);
  return match?.[1] === undefined ? undefined : parseDigest(match[1]);
}

/** Copies that a backup to `root` was making. None that goes on: that has the store for itself. */
async function backupCopies(root: string): Promise<readonly string[]> {
  const entries = await readdir(join(root, 'tmp'), { withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => join(root, 'tmp', name));
}

function noneIfMissing(error: NodeJS.ErrnoException): string[] {
  if (error.code !== 'ENOENT') throw error;
  return [];
}

async function createDirectories(root: string): Promise<void> {
  await mkdir(join(root, 'tmp'), { recursive: true });
  const blobs = join(root, 'blobs');
  await mkdir(blobs, { recursive: true });
  const present = new Set(await readdir(blobs));
  if (present.size >= 256) return;
  for (let byte = 0; byte < 256; byte++) {
    const name = directoryOf(byte);
    if (!present.has(name)) await mkdir(join(blobs, name), { recursive: true });
  }
  await syncDirectory(blobs);
  await syncDirectory(root);
}
