import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeSeekTable, encodeSeekTable, FOOTER_BYTES, seekTableLength } from '#server/codec/seek-table.js';
import { compressFrame as compressShared, decodeZstd, decompressInto } from '#server/codec/zstd.js';

const compressFrame = (plain: Uint8Array, level: number) => compressShared(plain, level).slice();

function decompressFrame(frame: Uint8Array, size: number): Buffer {
  const target = Buffer.alloc(size);
  decompressInto(target, frame);
  return target;
}

async function* inPieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += length) yield bytes.subarray(offset, offset + length);
}

const decoded = (bytes: Uint8Array, length = 1000) => buffer(decodeZstd(inPieces(bytes, length)));

describe('frames', () => {
  it('hold what was put in', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), fc.integer({ min: 1, max: 19 }), (bytes, level) => {
        expect(decompressFrame(compressFrame(bytes, level), bytes.length)).toEqual(Buffer.from(bytes));
      }),
      { numRuns: 50 },
    );
  });

  it('never give wrong content with a bit flipped', () => {
    const content = randomBytes(2000);
    const frame = compressFrame(content, 3);
    fc.assert(
      fc.property(fc.nat(frame.length - 1), fc.nat(7), (index, bit) => {
        const damaged = frame.slice();
        damaged[index] = (damaged[index] ?? 0) ^ (1 << bit);
        // Bits of the header that mean nothing may differ.
        expect([undefined, content]).toContainEqual(contentOf(damaged));
      }),
    );
  });

  it('do not pass for another size', () => {
    const frame = compressFrame(new Uint8Array(100), 3);
    expect(() => decompressFrame(frame, 99)).toThrow();
    expect(() => decompressFrame(frame, 101)).toThrow(/100 bytes/);
  });
});

function contentOf(frame: Uint8Array): Buffer | undefined {
  try {
    return Buffer.from(decompressFrame(frame, 2000));
  } catch {
    return undefined;
  }
}

describe('decodeZstd', () => {
  it('undoes any number of frames in pieces of any length', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 3000 }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 500 }),
        async (contents, length) => {
          const frames = Buffer.concat(contents.map((content) => compressFrame(content, 3)));
          expect(await decoded(frames, length)).toEqual(Buffer.concat(contents));
        },
      ),
      { numRuns: 50 },
    );
  });

  it('hands out a large expansion piece by piece', async () => {
    const size = 64 * 1024 * 1024;
    let largest = 0;
    let total = 0;
    for await (const piece of decodeZstd(inPieces(compressFrame(new Uint8Array(size), 3), 1 << 20))) {
      largest = Math.max(largest, piece.length);
      total += piece.length;
    }
    expect(total).toBe(size);
    expect(largest).toBeLessThanOrEqual(128 * 1024);
  });

  it('refuses a stream that ends early, wherever it is cut', async () => {
    const frame = compressFrame(randomBytes(5000), 3);
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

describe('seek tables', () => {
  const sizes = fc.array(fc.record({ compressed: fc.nat(1 << 30), plain: fc.nat(1 << 30) }), {
    maxLength: 50,
  });

  it('read back with the position of every frame', () => {
    fc.assert(
      fc.property(sizes, (frames) => {
        const table = Buffer.from(encodeSeekTable(frames));
        const sum = (key: 'compressed' | 'plain') => frames.reduce((total, frame) => total + frame[key], 0);
        expect(seekTableLength(table.subarray(-FOOTER_BYTES))).toBe(table.length);
        let position = 0;
        const wanted = frames.map((frame) => {
          const at = position;
          position += frame.compressed;
          return { position: at, ...frame };
        });
        expect(decodeSeekTable(table, sum('compressed') + table.length, sum('plain'))).toEqual(wanted);
      }),
    );
  });

  it('are refused for a file of other sizes', () => {
    const table = Buffer.from(encodeSeekTable([{ compressed: 10, plain: 20 }]));
    expect(() => decodeSeekTable(table, table.length + 11, 20)).toThrow(/sizes/);
    expect(() => decodeSeekTable(table, table.length + 10, 21)).toThrow(/sizes/);
  });

  it('are passed over by a decoder of the whole file', async () => {
    const file = Buffer.concat([
      compressFrame(Buffer.from('hello'), 3),
      encodeSeekTable([{ compressed: 18, plain: 5 }]),
    ]);
    expect((await decoded(file)).toString()).toBe('hello');
  });
});
