import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { decodeZstd } from '@filetracker/durable-fs';
import { compressFrame as compressShared, decompressInto } from '@filetracker/durable-fs/zstd-frame';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeSeekTable, encodeSeekTable, FOOTER_BYTES, seekTableLength } from '#server/codec/seek-table.js';

const compressFrame = (plain: Uint8Array, level: number) => compressShared(plain, level).slice();

function decompressFrame(frame: Uint8Array, size: number): Buffer {
  const target = Buffer.alloc(size);
  decompressInto(target, frame);
  return target;
}

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
    expect((await buffer(decodeZstd([file]))).toString()).toBe('hello');
  });
});
