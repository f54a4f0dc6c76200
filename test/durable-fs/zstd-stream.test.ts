import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { decodeZstd, encodeZstd } from '@filetracker/durable-fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

async function* inPieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += length) yield bytes.subarray(offset, offset + length);
}

const encoded = (bytes: Uint8Array, length = bytes.length + 1) =>
  buffer(encodeZstd(inPieces(bytes, length), 1));
const decoded = (bytes: Uint8Array, length = 1000) => buffer(decodeZstd(inPieces(bytes, length)));

describe('zstd streams', () => {
  it('hold what was put in', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 3000 }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 500 }),
        async (contents, length) => {
          const frames = Buffer.concat(
            await Promise.all(contents.map((content) => encoded(content, length))),
          );
          expect(await decoded(frames, length)).toEqual(Buffer.concat(contents));
        },
      ),
      { numRuns: 50 },
    );
  });

  it('hands out a large expansion piece by piece', async () => {
    const size = 64 * 1024 * 1024;
    const bomb = await encoded(new Uint8Array(size));
    expect(bomb.length).toBeLessThan(10_000);
    let largest = 0;
    let total = 0;
    for await (const piece of decodeZstd(inPieces(bomb, 1 << 20))) {
      largest = Math.max(largest, piece.length);
      total += piece.length;
    }
    expect(total).toBe(size);
    expect(largest).toBeLessThanOrEqual(128 * 1024);
  });

  it('refuses a stream that ends early, wherever it is cut', async () => {
    const frame = await encoded(randomBytes(5000));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: frame.length - 1 }), async (length) => {
        await expect(decoded(frame.subarray(0, length))).rejects.toThrow();
      }),
      { numRuns: 50 },
    );
  });

  it('refuses what is no zstd', async () => {
    await expect(decoded(Buffer.from('not zstd at all'))).rejects.toThrow();
  });
});
