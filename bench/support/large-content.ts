import { createHash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { sourceText } from './source-text.js';

const GIB = 1024 ** 3;

/** Writes a GiB of source text with noise in every megabyte: compresses about four-fold. */
export function writeLargeFile(path: string, seed: number): void {
  const text = sourceText(64 << 20);
  const fd = openSync(path, 'w');
  for (let written = 0; written < GIB; ) {
    const offset = written % (text.length - (1 << 20));
    const block = Buffer.from(text.subarray(offset, offset + Math.min(1 << 20, GIB - written)));
    const key = createHash('sha256').update(`${seed} ${written}`).digest();
    createHash('shake256', { outputLength: 64 * 1024 })
      .update(key)
      .digest()
      .copy(block);
    written += writeSync(fd, block);
  }
  closeSync(fd);
}
