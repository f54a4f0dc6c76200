import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import type { MessagePort } from 'node:worker_threads';
import zstd from 'zstd-napi/binding.js';
import { decodeSeekTable, FOOTER_BYTES, seekTableLength } from './seek-table.js';

/** A stored copy that is to be read from its first byte to its last. */
export interface CopyToVerify {
  readonly path: string;
  /** Length of the copy in bytes. */
  readonly storedSize: number;
}

/** Copies that a thread reads one after the other. */
export interface VerifyTask {
  readonly copies: readonly CopyToVerify[];
  /** A longer content has a seek table, on which readers rely. */
  readonly frameBytes: number;
  /** Told how many stored bytes were read since it was told, each {@link PROGRESS_BYTES}. */
  readonly progress: MessagePort;
}

/** What a sound copy holds. */
export interface VerifiedCopy {
  readonly digest: string;
  /** Length of the plain content in bytes. */
  readonly size: number;
}

/** Stored bytes, which take a tenth of a second or less. */
const PROGRESS_BYTES = 16 * 1024 * 1024;

// Both fit into a core's second-level cache, so that what is decompressed is hashed before it leaves it.
const input = new Uint8Array(1024 * 1024);
const output = new Uint8Array(512 * 1024);

/** A new one allocates some hundred KiB: one serves until it meets damage, which leaves it inside of a frame. */
let context = new zstd.DCtx();

/**
 * Decompresses copies and says what each holds; `undefined` of one that is damaged or not there. Throws when a copy
 * cannot be opened for another reason, which says nothing about it.
 */
export default function verifyAll(task: VerifyTask): (VerifiedCopy | undefined)[] {
  return task.copies.map((copy) => verifyOne(copy, task));
}

function verifyOne(copy: CopyToVerify, task: VerifyTask): VerifiedCopy | undefined {
  const fd = openIfPresent(copy.path);
  if (fd === undefined) return undefined;
  try {
    return verify(fd, copy.storedSize, task);
  } catch {
    // Whatever a decoder or the disk says of the bytes: they cannot be read, and so not be served.
    context = new zstd.DCtx();
    return undefined;
  } finally {
    closeSync(fd);
  }
}

function openIfPresent(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function verify(fd: number, storedSize: number, { frameBytes, progress }: VerifyTask): VerifiedCopy {
  const hash = createHash('sha256');
  let size = 0;
  let hint = 1;
  let untold = 0;
  for (let position = 0; position < storedSize; ) {
    const read = readSync(fd, input, 0, Math.min(input.length, storedSize - position), position);
    if (read === 0) throw new Error('file is too short');
    position += read;
    for (let offset = 0, full = false; offset < read || full; ) {
      const [left, produced, consumed] = context.decompressStream(output, input.subarray(offset, read));
      hint = left;
      offset += consumed;
      size += produced;
      full = produced === output.length && left !== 0;
      hash.update(output.subarray(0, produced));
    }
    untold += read;
    if (untold < PROGRESS_BYTES) continue;
    progress.postMessage(untold);
    untold = 0;
  }
  if (hint !== 0) throw new Error('file ends inside a frame');
  if (size > frameBytes) checkSeekTable(fd, storedSize, size);
  return { digest: hash.digest('hex'), size };
}

function checkSeekTable(fd: number, storedSize: number, size: number): void {
  const tail = (length: number) => {
    const bytes = Buffer.alloc(length);
    if (readSync(fd, bytes, 0, length, storedSize - length) !== length) throw new Error('file is too short');
    return bytes;
  };
  decodeSeekTable(tail(seekTableLength(tail(FOOTER_BYTES))), storedSize, size);
}
