import { createHash } from 'node:crypto';
import { copyFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMPRESSION_LEVEL, compressFrame, FRAME_BYTES } from '@filetracker/durable-fs/zstd-frame';
import { expect, it, onTestFinished } from 'vitest';
import { CopyVerifier } from '#server/codec/copy-verifier.js';
import { encodeSeekTable } from '#server/codec/seek-table.js';
import { incompressible } from '../support/contents.js';
import { flipBit } from '../support/recovery.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/** 20 MiB, so that a thread tells once before the end. */
const FRAMES = 40;

/** A large copy as the store keeps it, and what it holds. */
function largeCopy(): { readonly path: string; readonly storedSize: number; readonly digest: string } {
  const path = join(temporaryDirectory(), 'copy.zst');
  const hash = createHash('sha256');
  const sizes = [];
  const parts: Uint8Array[] = [];
  for (let n = 0; n < FRAMES; n++) {
    const plain = incompressible(String(n), FRAME_BYTES);
    hash.update(plain);
    const frame = Buffer.from(compressFrame(plain, COMPRESSION_LEVEL));
    parts.push(frame);
    sizes.push({ compressed: frame.byteLength, plain: FRAME_BYTES });
  }
  writeFileSync(path, Buffer.concat([...parts, encodeSeekTable(sizes)]));
  return { path, storedSize: statSync(path).size, digest: hash.digest('hex') };
}

it('tells how far it is within a copy, and in the end of all bytes of each, sound or not', async () => {
  const sound = largeCopy();
  const damaged = { ...sound, path: `${sound.path}.damaged` };
  copyFileSync(sound.path, damaged.path);
  flipBit(damaged.path);
  const verifier = new CopyVerifier(2);
  onTestFinished(() => verifier.close());
  const told: number[] = [];
  const found = await verifier.verify([sound, damaged], (bytes) => told.push(bytes));
  expect(found.get(sound)).toEqual({ digest: sound.digest, size: FRAMES * FRAME_BYTES });
  expect(found.get(damaged)).toBeUndefined();
  expect(told.reduce((sum, bytes) => sum + bytes)).toBe(sound.storedSize + damaged.storedSize);
  // Each copy is a task of its own, which tells once in its end.
  expect(told.length).toBeGreaterThan(2);
});
