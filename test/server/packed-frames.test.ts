import { buffer } from 'node:stream/consumers';
import { decodeZstd, encodeZstd } from '@filetracker/durable-fs';
import { compressFrame, decompressInto, FRAME_BYTES } from '@filetracker/durable-fs/zstd-frame';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PackedFrame, packedFrames } from '#server/codec/packed-frames.js';
import { incompressible, sha256 } from '../support/contents.js';

async function* inPieces(bytes: Uint8Array, lengths: readonly number[]): AsyncGenerator<Uint8Array> {
  let round = 0;
  for (let offset = 0; offset < bytes.length; ) {
    const length = lengths[round++ % lengths.length] ?? bytes.length;
    yield bytes.subarray(offset, offset + length);
    offset += length;
  }
}

/** What a body is read as: the digest of its content, and how long the frames are that stay as they are. */
async function read(body: Uint8Array, lengths: readonly number[] = [body.length]) {
  const content: Uint8Array[] = [];
  const kept: number[] = [];
  for await (const piece of packedFrames(inPieces(body, lengths))) {
    if (piece instanceof PackedFrame) {
      kept.push(piece.plain);
      const frame = piece.takeInto(Buffer.alloc(piece.byteLength));
      const plain = Buffer.alloc(piece.plain);
      decompressInto(plain, frame);
      content.push(plain);
    } else content.push(piece);
  }
  return { digest: sha256(Buffer.concat(content)), kept };
}

/** The digest of what any decoder finds in a body. */
const decodedDigest = async (body: Uint8Array) => sha256(await buffer(decodeZstd([body])));

const packed = (plain: Uint8Array, level = 3) => Buffer.from(compressFrame(plain, level));

const HAS_CHECKSUM = 0x04;
const IS_SINGLE_SEGMENT = 0x20;

function withoutChecksum(frame: Buffer): Buffer {
  const copy = Buffer.from(frame.subarray(0, -4));
  copy[4] = (copy[4] ?? 0) & ~HAS_CHECKSUM;
  return copy;
}

/** The frame with a window of 512 KiB, which it does not need to say. */
function withWindow(frame: Buffer): Buffer {
  const copy = Buffer.concat([frame.subarray(0, 5), Buffer.from([9 << 3]), frame.subarray(5)]);
  copy[4] = (copy[4] ?? 0) & ~IS_SINGLE_SEGMENT;
  return copy;
}

/** A frame of blocks that are stored as they are, each of so many bytes. */
function rawFrame(plain: Buffer, blockBytes: number): Buffer {
  const header = Buffer.alloc(9);
  header.writeUInt32LE(0xfd2fb528, 0);
  header[4] = 0xa4;
  header.writeUInt32LE(plain.length, 5);
  const blocks: Buffer[] = [];
  for (let offset = 0; offset < plain.length; offset += blockBytes) {
    const block = plain.subarray(offset, offset + blockBytes);
    const blockHeader = Buffer.alloc(3);
    blockHeader.writeUIntLE((block.length << 3) | (offset + blockBytes >= plain.length ? 1 : 0), 0, 3);
    blocks.push(blockHeader, block);
  }
  // The checksum of an ordinary frame of the same content.
  return Buffer.concat([header, ...blocks, packed(plain).subarray(-4)]);
}

const skippable = (length: number) => {
  const frame = Buffer.alloc(8 + length, 'x');
  frame.writeUInt32LE(0x184d2a53, 0);
  frame.writeUInt32LE(length, 4);
  return frame;
};

const text = (length: number, seed = 'text ') => Buffer.alloc(length, `${seed}abc `);
const full = text(FRAME_BYTES);

describe('frames of a body stay as they are', () => {
  it.each<[string, readonly Buffer[], readonly number[]]>([
    ['one whole frame', [packed(full)], [FRAME_BYTES]],
    [
      'whole frames and a shorter one',
      [packed(full), packed(full), packed(text(7))],
      [FRAME_BYTES, FRAME_BYTES, 7],
    ],
    ['of another level', [packed(full, 1), packed(full, 19)], [FRAME_BYTES, FRAME_BYTES]],
    ['of what does not compress', [packed(incompressible('frame', FRAME_BYTES))], [FRAME_BYTES]],
    [
      'behind another frame of whole frames',
      [packed(text(2 * FRAME_BYTES)), packed(full), packed(text(9))],
      [FRAME_BYTES, 9],
    ],
    ['around a skippable frame', [packed(full), skippable(100), packed(full)], [FRAME_BYTES, FRAME_BYTES]],
  ])('%s', async (_, frames, kept) => {
    const body = Buffer.concat(frames);
    const digest = await decodedDigest(body);
    expect(await read(body)).toEqual({ digest, kept });
    expect(await read(body, [1, 70_000, 3])).toEqual({ digest, kept });
  });
});

describe('everything else is decoded', () => {
  it.each<[string, readonly Buffer[], readonly number[]]>([
    ['a short frame alone', [packed(text(1000))], []],
    ['a short frame before others', [packed(text(1000)), packed(full)], []],
    ['a short frame between others', [packed(full), packed(text(1000)), packed(full)], [FRAME_BYTES]],
    ['a short frame before a skippable one', [packed(full), packed(text(1000)), skippable(0)], [FRAME_BYTES]],
    ['a longer frame', [packed(text(FRAME_BYTES + 1))], []],
    ['a frame of nothing', [packed(full), packed(text(0))], [FRAME_BYTES]],
    ['a frame without a checksum', [withoutChecksum(packed(full))], []],
    ['a frame with a window of its own', [withWindow(packed(full))], []],
    ['a frame of blocks too small to be worth it', [rawFrame(full, 100)], []],
    ['skippable frames alone', [skippable(0), skippable(100_000)], []],
  ])('%s', async (_, frames, kept) => {
    const body = Buffer.concat(frames);
    const digest = await decodedDigest(body);
    expect(await read(body)).toEqual({ digest, kept });
    expect(await read(body, [1, 70_000, 3])).toEqual({ digest, kept });
  });

  it('but a frame of stored blocks stays, if they are of a sensible length', async () => {
    const body = rawFrame(full, 128 * 1024);
    expect(await read(body)).toEqual({ digest: sha256(full), kept: [FRAME_BYTES] });
  });
});

describe('any mixture', () => {
  const frames = [
    packed(full),
    packed(text(FRAME_BYTES, 'other ')),
    packed(text(2 * FRAME_BYTES)),
    packed(text(12_345)),
    packed(text(1)),
    skippable(10),
    withoutChecksum(packed(full)),
    rawFrame(full, 1000),
  ];

  const mixtures = fc.array(fc.nat(frames.length - 1), { minLength: 1, maxLength: 6 });
  const pieces = fc.array(fc.integer({ min: 40, max: 200_000 }), { minLength: 1, maxLength: 5 });
  const bodyOf = (choice: readonly number[]) =>
    Buffer.concat(choice.map((index) => frames[index] ?? Buffer.alloc(0)));

  it('holds what a decoder finds in it, however it arrives', async () => {
    await fc.assert(
      fc.asyncProperty(mixtures, pieces, async (choice, lengths) => {
        const body = bodyOf(choice);
        const { digest, kept } = await read(body, lengths);
        expect(digest).toBe(await decodedDigest(body));
        // What stays is cut as the store cuts: whole frames, and at most one shorter one as the last.
        expect(kept.slice(0, -1).every((length) => length === FRAME_BYTES)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it('is refused when it is cut anywhere inside of a frame, or something is behind it', async () => {
    await fc.assert(
      fc.asyncProperty(mixtures, pieces, fc.nat(), async (choice, lengths, at) => {
        const body = bodyOf(choice);
        const last = frames[choice.at(-1) ?? 0]?.length ?? 0;
        const cut = body.subarray(0, body.length - 1 - (at % (last - 1)));
        await expect(read(cut, lengths)).rejects.toThrow();
        await expect(read(Buffer.concat([body, Buffer.from('no frame')]), lengths)).rejects.toThrow();
      }),
      { numRuns: 40 },
    );
  });

  it('is read as any decoder does, or refused, with a bit flipped', async () => {
    const body = bodyOf([0, 3]);
    await fc.assert(
      fc.asyncProperty(fc.nat(body.length - 1), fc.nat(7), async (index, bit) => {
        const damaged = Buffer.from(body);
        damaged[index] = (damaged[index] ?? 0) ^ (1 << bit);
        const wanted = await decodedDigest(damaged).catch(() => 'refused');
        const found = await read(damaged).then(
          ({ digest }) => digest,
          () => 'refused',
        );
        expect(found).toEqual(wanted);
      }),
      { numRuns: 100 },
    );
  });

  it('of no frame at all is refused', async () => {
    await expect(read(Buffer.alloc(0))).rejects.toThrow();
    await expect(read(Buffer.from('not zstd at all'))).rejects.toThrow();
  });

  it('holds a streamed frame, which does not say its size', async () => {
    const body = await buffer(encodeZstd([full, full], 3));
    expect(await read(body)).toEqual({ digest: sha256(Buffer.concat([full, full])), kept: [] });
  });
});
