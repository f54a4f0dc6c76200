import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import zstd from 'zstd-napi/binding.js';
import { decodeSeekTable, FOOTER_BYTES, seekTableLength } from './seek-table.js';

/** A stored copy that is to be read from its first byte to its last. */
export interface VerifyTask {
  readonly fd: number;
  readonly storedSize: number;
  /** A longer content has a seek table, on which readers rely. */
  readonly frameBytes: number;
}

/** What a sound copy holds. */
export interface VerifiedCopy {
  readonly digest: string;
  /** Length of the plain content in bytes. */
  readonly size: number;
}

const input = new Uint8Array(1024 * 1024);
const output = new Uint8Array(512 * 1024);

/** Decompresses a copy and says what it holds; throws when it is damaged. */
export default function verify({ fd, storedSize, frameBytes }: VerifyTask): VerifiedCopy {
  const context = new zstd.DCtx();
  const hash = createHash('sha256');
  let size = 0;
  let hint = 1;
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
