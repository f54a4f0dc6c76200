import { closeSync, constants, fdatasyncSync, fstatSync, ftruncateSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { newestDescription } from './description.js';
import { DATA_FILE } from './layout.js';

/**
 * The file of an environment, cared for past LMDB, which goes on after a commit that failed as if that had left nothing.
 *
 * Where a sync fails, pages that are not on the disk look as if they were. ext4 goes further (seen with Linux 6.18): if
 * their blocks are new, whatever is written to them later is not on the disk either, although the next sync succeeds,
 * and a power cut leaves zeroes there. New blocks are behind the committed pages; cut off, they are forgotten.
 */
export class DataFile {
  readonly #fd: number;
  /** Length of the file when it was last found to have nothing behind the committed pages. */
  #length = 0;

  /** Of the environment in `directory`; it is made, empty, if it is missing, as LMDB does. */
  constructor(directory: string) {
    this.#fd = openSync(join(directory, DATA_FILE), constants.O_RDWR | constants.O_CREAT, 0o664);
  }

  /** Cuts off what commits left that failed. The caller is the only one that writes to the environment. */
  cutUncommitted(): void {
    const { size } = fstatSync(this.#fd);
    if (size === this.#length) return;
    const description = newestDescription(this.#fd);
    if (!description) return;
    const committed = (description.lastPage + 1) * description.pageBytes;
    if (size > committed) ftruncateSync(this.#fd, committed);
    this.#length = Math.min(size, committed);
  }

  /**
   * After a commit that failed in its very last write, LMDB puts back what stood there, and does not sync that: a power
   * cut must not bring the commit back once others take its pages.
   */
  sync(): void {
    fdatasyncSync(this.#fd);
  }

  close(): void {
    closeSync(this.#fd);
  }
}
