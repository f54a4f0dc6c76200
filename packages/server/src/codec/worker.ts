import { readSync } from 'node:fs';
import type { Frame } from './seek-table.js';
import { compressFrame, decompressInto } from './zstd.js';

/** Compress the first `length` bytes of `memory` at `level`, in place. Answers with the compressed length. */
export interface CompressTask {
  readonly kind: 'compress';
  readonly memory: SharedArrayBuffer;
  readonly length: number;
  readonly level: number;
}

/** Read a frame of an open file and decompress it into `memory`. */
export interface DecompressTask {
  readonly kind: 'decompress';
  readonly fd: number;
  readonly frame: Frame;
  readonly memory: SharedArrayBuffer;
}

/** What a worker thread does: one frame in, one frame out, in memory that both threads see. */
export default function run(task: CompressTask | DecompressTask): number {
  if (task.kind === 'decompress') return readFrame(task);
  const compressed = compressFrame(new Uint8Array(task.memory, 0, task.length), task.level);
  new Uint8Array(task.memory).set(compressed);
  return compressed.byteLength;
}

let input = Buffer.alloc(0);

function readFrame({ fd, frame, memory }: DecompressTask): number {
  const { position, compressed, plain } = frame;
  if (input.length < compressed) input = Buffer.alloc(compressed);
  let length = 0;
  while (length < compressed) {
    const read = readSync(fd, input, length, compressed - length, position + length);
    if (read === 0) throw new Error('file ends inside a frame');
    length += read;
  }
  decompressInto(new Uint8Array(memory, 0, plain), input.subarray(0, compressed));
  return plain;
}
