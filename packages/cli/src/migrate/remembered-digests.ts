import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { type FileHandle, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeAtomically } from '@filetracker/durable-fs';
import type { Digest } from '@filetracker/protocol';
import { type FileStamp, STAMP_BYTES } from './file-stamp.js';
import { compareNames } from './name-order.js';

/*
 * The digests of a tree's files, so that those which have not changed since need not be read again. A file that can
 * be deleted at any time: what is damaged or cut counts as not there.
 *
 *     "filetracker digests 1\n"
 *     for each block:   length of the records : 4   first bytes of their SHA-256 : 8   records
 *     for each record:  stamp : 32   digest : 32   length of the name : 2   name (UTF-8)
 *
 * Numbers are little-endian. Records come in the order of the bytes of their names.
 */
const MAGIC = Buffer.from('filetracker digests 1\n');
const HEADER_BYTES = 12;
const CHECKSUM_BYTES = 8;
const DIGEST_BYTES = 32;
const FIXED_BYTES = STAMP_BYTES + DIGEST_BYTES + 2;

/** A block is written once it has so many bytes, and none has many more. */
const BLOCK_BYTES = 64 * 1024;
const MAX_BLOCK_BYTES = 2 * BLOCK_BYTES;

/** What is remembered of a file. */
export interface Remembered {
  readonly name: string;
  readonly stamp: FileStamp;
  readonly digest: Digest;
}

/** The name of the file that remembers the digests of the tree at a path. */
export function digestsFileName(path: string): string {
  return createHash('sha256').update(path).digest('hex').slice(0, 32);
}

/** What an earlier run has remembered. Names must be asked for in their order. */
export class RememberedDigests {
  readonly #records: Iterator<Remembered, undefined>;
  #next: Remembered | undefined;

  constructor(path: string) {
    this.#records = recordsOf(path);
    this.#advance();
  }

  /** Whether nothing comes behind what was asked for last. */
  get isEmpty(): boolean {
    return this.#next === undefined;
  }

  /** The digest of a file, if that is known and the file has not changed since. */
  find(name: string, stamp: FileStamp): Digest | undefined {
    while (this.#next && compareNames(this.#next.name, name) < 0) this.#advance();
    return this.#next?.name === name && this.#next.stamp.equals(stamp) ? this.#next.digest : undefined;
  }

  /** All that comes behind what was asked for last. */
  *rest(name: string): Generator<Remembered> {
    for (; this.#next; this.#advance()) {
      if (compareNames(this.#next.name, name) > 0) yield this.#next;
    }
  }

  #advance(): void {
    this.#next = this.#records.next().value;
  }
}

function* recordsOf(path: string): Generator<Remembered, undefined> {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    // Nothing is known.
    return undefined;
  }
  try {
    let position = MAGIC.length;
    if (!read(fd, 0, MAGIC.length)?.equals(MAGIC)) return undefined;
    for (;;) {
      const header = read(fd, position, HEADER_BYTES);
      const length = header?.readUInt32LE() ?? MAX_BLOCK_BYTES;
      const block = length < MAX_BLOCK_BYTES ? read(fd, position + HEADER_BYTES, length) : undefined;
      if (!header || !block || !checksum(block).equals(header.subarray(4))) return undefined;
      yield* decodeBlock(block);
      position += HEADER_BYTES + length;
    }
  } finally {
    closeSync(fd);
  }
}

function read(fd: number, position: number, length: number): Buffer | undefined {
  const bytes = Buffer.allocUnsafe(length);
  return readSync(fd, bytes, 0, length, position) === length ? bytes : undefined;
}

function* decodeBlock(block: Buffer): Generator<Remembered> {
  for (let offset = 0; offset < block.length; ) {
    const nameAt = offset + FIXED_BYTES;
    const end = nameAt + block.readUInt16LE(nameAt - 2);
    yield {
      stamp: block.subarray(offset, offset + STAMP_BYTES),
      digest: block.toString('hex', offset + STAMP_BYTES, nameAt - 2) as Digest,
      name: block.toString('utf8', nameAt, end),
    };
    offset = end;
  }
}

function checksum(block: Uint8Array): Buffer {
  return createHash('sha256').update(block).digest().subarray(0, CHECKSUM_BYTES);
}

/** Writes what is to be remembered, in the order of the names. It takes the place of what was, once it is whole. */
export class DigestsWriter {
  #block = Buffer.allocUnsafe(MAX_BLOCK_BYTES);
  #length = 0;

  private constructor(
    private readonly fd: number,
    private readonly end: { readonly done: () => void; readonly fail: (error: Error) => void },
    private readonly written: Promise<void>,
  ) {
    writeSync(fd, MAGIC);
  }

  /** Throws the errors of the file system. */
  static async open(path: string): Promise<DigestsWriter> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    return new Promise((resolve, reject) => {
      const fill = (handle: FileHandle) =>
        new Promise<void>((done, fail) => {
          resolve(new DigestsWriter(handle.fd, { done, fail }, written));
        });
      const written = writeAtomically(path, fill, { durable: false });
      written.catch(reject);
    });
  }

  add({ name, stamp, digest }: Remembered): void {
    const block = this.#block;
    const offset = this.#length;
    block.set(stamp, offset);
    block.write(digest, offset + STAMP_BYTES, 'hex');
    const length = block.write(name, offset + FIXED_BYTES);
    block.writeUInt16LE(length, offset + FIXED_BYTES - 2);
    this.#length += FIXED_BYTES + length;
    if (this.#length >= BLOCK_BYTES) this.#flush();
  }

  /** Puts what was written in its place. Throws the errors of the file system; then what was stays. */
  async finish(): Promise<void> {
    try {
      this.#flush();
      this.end.done();
    } catch (error) {
      this.end.fail(error as Error);
    }
    await this.written;
  }

  #flush(): void {
    const records = this.#block.subarray(0, this.#length);
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt32LE(records.length);
    header.set(checksum(records), 4);
    if (records.length > 0) writeSync(this.fd, Buffer.concat([header, records]));
    this.#length = 0;
  }
}
