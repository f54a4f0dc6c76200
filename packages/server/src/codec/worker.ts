import { readSync } from 'node:fs';
import { move } from 'piscina';
import { compressFrame, decompressFrame } from './zstd.js';

/** Compress `plain` at `level`. */
export interface CompressTask {
  readonly kind: 'compress';
  readonly plain: Uint8Array<ArrayBuffer>;
  readonly level: number;
}

/** Read `compressed` bytes at `position` of an open file and decompress them to `plain` bytes. */
export interface DecompressTask {
  readonly kind: 'decompress';
  readonly fd: number;
  readonly position: number;
  readonly compressed: number;
  readonly plain: number;
}

/** What a worker thread does: one frame in, one frame out. */
export default function run(task: CompressTask | DecompressTask): unknown {
  if (task.kind === 'decompress') return move(readFrame(task));
  // The exact size only: what is moved keeps its whole buffer alive on the other side.
  return move(compressFrame(task.plain, task.level).slice());
}

let input = Buffer.alloc(0);

function readFrame({ fd, position, compressed, plain }: DecompressTask): Uint8Array<ArrayBuffer> {
  if (input.length < compressed) input = Buffer.alloc(compressed);
  let length = 0;
  while (length < compressed) {
    const read = readSync(fd, input, length, compressed - length, position + length);
    if (read === 0) throw new Error('file ends inside a frame');
    length += read;
  }
  return decompressFrame(input.subarray(0, compressed), plain);
}
