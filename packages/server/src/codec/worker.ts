import { readSync } from 'node:fs';
import { compressFrame, decompressInto } from '@filetracker/durable-fs/zstd-frame';
import type { Frame } from './seek-table.js';

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

/** Decompress a frame that was sent into the first `length` bytes of `memory`. Answers with 0 if it is damaged. */
export interface UnpackTask {
  readonly kind: 'unpack';
  readonly frame: Uint8Array;
  readonly memory: SharedArrayBuffer;
  readonly length: number;
}

export type FrameTask = CompressTask | DecompressTask | UnpackTask;

/** What a worker thread does: one frame in, one frame out, in memory that both threads see. */
export default function run(task: FrameTask): number {
  if (task.kind === 'decompress') return readFrame(task);
  if (task.kind === 'unpack') return unpack(task);
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

function unpack({ frame, memory, length }: UnpackTask): number {
  try {
    decompressInto(new Uint8Array(memory, 0, length), frame);
    return length;
  } catch {
    // Whatever the decoder says of it, the sender is to blame.
    return 0;
  }
}
