import { closeSync, createReadStream, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip, gunzipSync } from 'node:zlib';
import { ContentError } from '@filetracker/client';
import { ContentHash } from '@filetracker/durable-fs';
import type { Digest } from '@filetracker/protocol';
import { systemReason } from '../output/system-reason.js';
import { SMALL } from './small-file.js';
import { SourceProblem } from './source.js';

const READ_SIZE = 256 * 1024;

/** The end of a gzip file: the length of its content modulo 2^32, as a little-endian number. */
const LENGTH_BYTES = 4;

/** No content is more than so many times as long as its gzip file. */
const BEST_RATIO = 1032;

/** A blob of a Python server: a gzip file with the digest of its content as its name. */
export class PythonBlob {
  #problem: SourceProblem | undefined;
  #size: number | undefined;
  #mustCount = false;
  #verified: Promise<number> | undefined;

  constructor(
    private readonly path: string,
    private readonly digest: Digest,
  ) {}

  /**
   * The length of the content in bytes, read off the end of the file. Where the first reading has shown that to be
   * wrong (contents of 4 GiB and more), the content is counted. Throws {@link SourceProblem} for a blob that is
   * missing or known to be broken.
   */
  async size(): Promise<number> {
    if (this.#problem) throw this.#problem;
    if (this.#size === undefined && this.#mustCount) this.#size = await this.#count();
    this.#size ??= this.#readLength();
    return this.#size;
  }

  /** The length of the content in bytes, once all of it was decoded and has the blob's digest. Throws as {@link size}. */
  async verifiedSize(): Promise<number> {
    this.#verified ??= this.#count();
    return (this.#size = await this.#verified);
  }

  /** The content, decoded. Fails with {@link SourceProblem} if it does not have the blob's digest. */
  async *open(): AsyncGenerator<Uint8Array> {
    const expected = this.#size;
    for await (const [chunk, size] of this.#decoded()) {
      if (expected !== undefined && size > expected) {
        this.#size = undefined;
        this.#mustCount = true;
        throw new ContentError('the content is longer than its gzip file says', 'source_changed');
      }
      yield chunk;
    }
  }

  /** The length of the content, if it was read and is sound. */
  get knownSize(): number | undefined {
    return this.#size;
  }

  /** The content at once, verified, if it is small and sound: 30 µs on this thread. */
  readSmall(): Uint8Array | undefined {
    if (this.#problem || this.#mustCount) return undefined;
    try {
      if (statSync(this.path).size > SMALL) return undefined;
      const bytes = gunzipSync(readFileSync(this.path), { maxOutputLength: SMALL });
      const hash = new ContentHash();
      hash.update(bytes);
      if (hash.digest() !== this.digest) throw new Error('another digest');
      this.#size = bytes.byteLength;
      return bytes;
    } catch {
      // What is wrong, if it is not just larger, is said where it is read.
      return undefined;
    }
  }

  async #count(): Promise<number> {
    let size = 0;
    for await (const [, count] of this.#decoded()) size = count;
    return size;
  }

  /** The content and how much of it has come. */
  async *#decoded(): AsyncGenerator<readonly [Uint8Array, number]> {
    if (this.#problem) throw this.#problem;
    const hash = new ContentHash();
    const file = createReadStream(this.path, { highWaterMark: READ_SIZE });
    const decoded = pipeline(file, createGunzip({ chunkSize: READ_SIZE }), () => {});
    try {
      for await (const chunk of decoded as AsyncIterable<Uint8Array>) {
        hash.update(chunk);
        yield [chunk, hash.size];
      }
    } catch (error) {
      throw this.#broken(explain(error));
    } finally {
      decoded.destroy();
    }
    if (hash.digest() !== this.digest) {
      throw this.#broken('the stored blob does not have the digest it is filed under');
    }
  }

  #readLength(): number {
    try {
      return lengthsOf(this.path).content;
    } catch (error) {
      throw this.#broken(explain(error));
    }
  }

  #broken(reason: string): SourceProblem {
    this.#problem = new SourceProblem(reason);
    return this.#problem;
  }
}

/** The length of a file, and that of its content as gzip says at its end: wrong from 4 GiB on. Takes 10 µs. */
function lengthsOf(path: string): { readonly file: number; readonly content: number } {
  const fd = openSync(path, 'r');
  try {
    const { size } = fstatSync(fd);
    const end = Buffer.alloc(LENGTH_BYTES);
    readSync(fd, end, 0, LENGTH_BYTES, Math.max(0, size - LENGTH_BYTES));
    return { file: size, content: end.readUInt32LE() };
  } finally {
    closeSync(fd);
  }
}

/** The length of a blob's content as far as that can be told quickly, for people who wait. */
export function likelyLength(path: string): number {
  const { file, content } = lengthsOf(path);
  // A file that was cut ends in anything.
  return content <= file * BEST_RATIO ? content : file;
}

function explain(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'its blob is missing';
  if (code === 'Z_BUF_ERROR') return 'its blob is a truncated gzip file';
  if (code?.startsWith('Z_')) return `its blob is a damaged gzip file (${message})`;
  return `its blob cannot be read (${systemReason(error)})`;
}
