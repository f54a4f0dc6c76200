import { type Digest, parseFileName, toVersion } from '@filetracker/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeFrame,
  encodeFrame,
  type JournalChange,
  type JournalFrame,
} from '#server/metadata/journal/codec.js';

const salt = Buffer.alloc(16, 7);
const sequence = fc.integer({ min: 1, max: 2 ** 40 });
const name = fc
  .stringMatching(/^[a-zß\u{1f600}/]{1,40}$/u)
  .map((text) => parseFileName(`x${text.replaceAll('/', '')}`));
const digest = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString('hex') as Digest);
const version = fc.integer({ min: 0, max: 253_402_300_799 }).map(toVersion);
const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));
const row = fc.oneof(
  fc.record({
    kind: fc.constantFrom('put' as const, 'head' as const),
    table: fc.nat(255),
    key: bytes(60),
    value: bytes(300),
  }),
  fc.record({ kind: fc.constant('remove' as const), table: fc.nat(255), key: bytes(60) }),
);
const event = fc.oneof(
  fc.constant(undefined),
  fc.record({
    kind: fc.constant('put' as const),
    file: fc.record({ name, version, digest, size: fc.nat() }),
  }),
  fc.record({ kind: fc.constant('delete' as const), name, version }),
);
const change: fc.Arbitrary<JournalChange> = fc.record({ event, rows: fc.array(row, { maxLength: 6 }) });
const frame: fc.Arbitrary<JournalFrame> = fc.record({
  sequence,
  time: fc.integer({ min: 0, max: 2 ** 42 }),
  changes: fc.array(change, { minLength: 1, maxLength: 5 }),
});

describe('a frame of the journal', () => {
  it('comes back as it was written, wherever it stands', () => {
    fc.assert(
      fc.property(frame, fc.nat(50), (written, offset) => {
        const encoded = Buffer.concat([Buffer.alloc(offset), encodeFrame(written, salt), Buffer.alloc(9)]);
        expect(decodeFrame(encoded, offset, salt)).toEqual({
          kind: 'frame',
          frame: written,
          end: encoded.length - 9,
        });
      }),
    );
  });

  it('is not taken for one when it is torn at any byte', () => {
    fc.assert(
      fc.property(frame, (written) => {
        const encoded = encodeFrame(written, salt);
        for (let length = 0; length < encoded.length; length++) {
          expect(decodeFrame(encoded.subarray(0, length), 0, salt).kind).toBe('short');
        }
      }),
      { numRuns: 20 },
    );
  });

  it('is not taken for one when any bit of it is flipped, or with the salt of another file', () => {
    fc.assert(
      fc.property(frame, (written) => {
        const encoded = encodeFrame(written, salt);
        for (let bit = 0; bit < encoded.length * 8; bit++) {
          const flipped = Buffer.from(encoded);
          flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
          expect(decodeFrame(flipped, 0, salt).kind).not.toBe('frame');
        }
        expect(decodeFrame(encoded, 0, Buffer.alloc(16)).kind).toBe('damaged');
      }),
      { numRuns: 10 },
    );
  });
});
