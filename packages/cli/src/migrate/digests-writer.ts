import { writeSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeDirectory, writeAtomically } from '@filetracker/durable-fs';
import { BLOCK_BYTES, encodeBeginning, encodeBlock, type Remembered, writeRecord } from './digests-file.js';
import type { Moment } from './target-history.js';

/** Writes what is to be remembered, in the order of the names. It takes the place of what was, once it is whole. */
export class DigestsWriter {
  readonly #block = Buffer.allocUnsafe(BLOCK_BYTES.most);
  #length = 0;

  private constructor(
    private readonly fd: number,
    private readonly end: { readonly done: () => void; readonly fail: (error: Error) => void },
    private readonly written: Promise<void>,
  ) {
    writeSync(fd, encodeBeginning(undefined));
  }

  /** Throws the errors of the file system. */
  static async open(path: string): Promise<DigestsWriter> {
    makeDirectory(dirname(path), 0o700);
    return new Promise((resolve, reject) => {
      const fill = (handle: FileHandle) =>
        new Promise<void>((done, fail) => {
          resolve(new DigestsWriter(handle.fd, { done, fail }, written));
        });
      const written = writeAtomically(path, fill, { durable: false });
      written.catch(reject);
    });
  }

  add(record: Remembered): void {
    this.#length += writeRecord(record, this.#block, this.#length);
    if (this.#length >= BLOCK_BYTES.usual) this.#flush();
  }

  /**
   * Puts what was written in its place, with the moment at which the target had all of it. Throws the errors of the
   * file system; then what was stays.
   */
  async finish(moment: Moment | undefined): Promise<void> {
    try {
      this.#flush();
      if (moment) {
        const beginning = encodeBeginning(moment);
        writeSync(this.fd, beginning, 0, beginning.length, 0);
      }
      this.end.done();
    } catch (error) {
      this.end.fail(error as Error);
    }
    await this.written;
  }

  #flush(): void {
    if (this.#length > 0) writeSync(this.fd, encodeBlock(this.#block.subarray(0, this.#length)));
    this.#length = 0;
  }
}
