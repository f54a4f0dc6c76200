import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  removeIfPresent,
  syncDirectory,
  syncFile,
  temporaryName,
  writeAtomically,
} from '@filetracker/durable-fs';
import type { JournalState } from '../journal/state.js';

/** What is known of a checkpoint; `checkpoint.json` in its directory holds all but `path`. */
export interface Checkpoint {
  readonly path: string;
  /** It has every change up to this one; it may have a few later ones. */
  readonly sequence: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Where the journal ended then: its file by first sequence, and the bytes of it. */
  readonly journal: Pick<JournalState, 'file' | 'length'>;
  /** Length of the copy. */
  readonly bytes: number;
  readonly sha256: string;
}

/** Name of the LMDB copy in a checkpoint's directory, which so is an environment that LMDB can open. */
export const COPY_NAME = 'data.mdb';
const DESCRIPTION_NAME = 'checkpoint.json';
const TEMPORARY = /^\..*\.tmp$/;

/** Room in bytes that a checkpoint leaves to everybody else. */
const RESERVED_BYTES = 64 * 1024 * 1024;

/**
 * The checkpoints of a store: `checkpoints/<sequence, 16 digits>/`, each a copy of the LMDB environment and its
 * description. One that has no description was being written or removed, and does not count.
 */
export class CheckpointDirectory {
  constructor(readonly path: string) {}

  /** All checkpoints, the newest first. */
  async list(): Promise<readonly Checkpoint[]> {
    const checkpoints = await Promise.all(
      (await this.#entries()).filter((name) => /^\d{16}$/.test(name)).map((name) => this.#read(name)),
    );
    return checkpoints
      .filter((checkpoint) => checkpoint !== undefined)
      .sort((a, b) => b.sequence - a.sequence);
  }

  /** Makes the directory itself unless it is there. */
  async make(): Promise<void> {
    if (await mkdir(this.path, { recursive: true })) await syncDirectory(dirname(this.path));
  }

  /**
   * Adds a checkpoint: `copyTo` copies the environment, whose journal has come to `state` or beyond, into a directory.
   * It has its name once everything of it is on the disk. Throws when the disk has not the room to spare.
   *
   * @param expectedBytes about how long the copy will be
   */
  async add(
    state: JournalState,
    expectedBytes: number,
    copyTo: (directory: string) => Promise<void>,
  ): Promise<Checkpoint> {
    await this.make();
    await this.#refuseWithoutRoom(expectedBytes);
    const temporary = join(this.path, temporaryName());
    try {
      await mkdir(temporary);
      const copy = join(temporary, COPY_NAME);
      await copyTo(temporary);
      await syncFile(copy);
      const description = {
        sequence: state.sequence,
        time: Date.now(),
        journal: { file: state.file, length: state.length },
        bytes: (await stat(copy)).size,
        sha256: await sha256Of(copy),
      };
      await writeAtomically(join(temporary, DESCRIPTION_NAME), async (file) => {
        await file.write(`${JSON.stringify(description)}\n`);
      });
      const path = join(this.path, nameOf(state.sequence));
      await this.remove(path);
      await rename(temporary, path);
      await syncDirectory(this.path);
      return { path, ...description };
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      throw error;
    }
  }

  /** Removes a checkpoint; one that is not there is fine. */
  async remove(path: string): Promise<void> {
    // First what makes it count.
    await removeIfPresent(join(path, DESCRIPTION_NAME));
    await rm(path, { recursive: true, force: true });
  }

  /** Removes what crashed processes were writing. The caller is the only one that writes here. */
  async sweep(): Promise<void> {
    for (const name of await this.#entries()) {
      const path = join(this.path, name);
      if (TEMPORARY.test(name)) await rm(path, { recursive: true, force: true });
      else if (/^\d{16}$/.test(name) && !(await this.#read(name))) await this.remove(path);
    }
  }

  /** Whether a checkpoint's copy is, byte for byte, what was written. */
  async isSound(checkpoint: Checkpoint): Promise<boolean> {
    try {
      return (await sha256Of(join(checkpoint.path, COPY_NAME))) === checkpoint.sha256;
    } catch {
      return false;
    }
  }

  async #read(name: string): Promise<Checkpoint | undefined> {
    const path = join(this.path, name);
    try {
      const description = JSON.parse(await readFile(join(path, DESCRIPTION_NAME), 'utf8')) as Checkpoint;
      return Number.isSafeInteger(description.sequence) ? { ...description, path } : undefined;
    } catch {
      return undefined;
    }
  }

  async #entries(): Promise<readonly string[]> {
    return readdir(this.path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      return [];
    });
  }

  async #refuseWithoutRoom(expectedBytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.path);
    if (bavail * bsize < expectedBytes + RESERVED_BYTES) {
      throw Object.assign(new Error('there is no room for a checkpoint on the disk'), { code: 'ENOSPC' });
    }
  }
}

function nameOf(sequence: number): string {
  return String(sequence).padStart(16, '0');
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  // Chunk by chunk on this thread: 40 µs each, between which requests are served.
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}
