import zstd, { type CCtx } from 'zstd-napi/binding.js';

/** Highest compression level that is accepted; the levels above need much memory for little gain. */
export const MAX_COMPRESSION_LEVEL = 19;

const compressors = new Map<number, CCtx>();
const decompressor = new zstd.DCtx();

function compressorFor(level: number): CCtx {
  let context = compressors.get(level);
  if (!context) {
    context = new zstd.CCtx();
    context.setParameter(zstd.CParameter.compressionLevel, level);
    // Every frame carries a checksum of its content, so that bit rot is noticed when it is read.
    context.setParameter(zstd.CParameter.checksumFlag, 1);
    compressors.set(level, context);
  }
  return context;
}

/** Longest possible frame of `length` bytes of content. */
export function maxFrameLength(length: number): number {
  return zstd.compressBound(length);
}

let output = new Uint8Array(0);

/**
 * Compresses `plain` into one zstd frame with its size and a checksum. The result is valid until the next call.
 * Runs on the calling thread, about 10 µs for 4 KiB and 2 ms for 512 KiB.
 */
export function compressFrame(plain: Uint8Array, level: number): Uint8Array {
  const bound = maxFrameLength(plain.byteLength);
  if (output.length < bound) output = new Uint8Array(bound);
  return output.subarray(0, compressorFor(level).compress2(output, plain));
}

/**
 * Decompresses one frame, which must fill `target` exactly. Runs on the calling thread, about 4 µs for 4 KiB.
 * Throws when the frame is damaged or has another size.
 */
export function decompressInto(target: Uint8Array, frame: Uint8Array): void {
  const written = decompressor.decompress(target, frame);
  if (written !== target.byteLength) {
    throw new Error(`frame holds ${written} bytes instead of ${target.byteLength}`);
  }
}
