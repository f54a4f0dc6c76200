import { readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { COMPRESSION_LEVEL, compressFrame, FRAME_BYTES } from '@filetracker/durable-fs/zstd-frame';

/** Up to a frame of content to compress: bytes, or where they lie in an open file, which stays open until the answer. */
export type PackTask =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'file'; readonly fd: number; readonly position: number; readonly length: number };

/** What becomes of it. */
export type PackAnswer =
  | { readonly kind: 'packed'; readonly frame: Uint8Array<ArrayBuffer> }
  /** The file ends before that. */
  | { readonly kind: 'cut' }
  | { readonly kind: 'failed'; readonly error: Error };

const buffer = new Uint8Array(FRAME_BYTES);

function answer(task: PackTask): PackAnswer {
  try {
    const plain = task.kind === 'bytes' ? task.bytes : read(task);
    if (!plain) return { kind: 'cut' };
    // A copy that goes to the other thread, which keeps it until it is sent.
    return { kind: 'packed', frame: new Uint8Array(compressFrame(plain, COMPRESSION_LEVEL)) };
  } catch (error) {
    return { kind: 'failed', error: error as Error };
  }
}

function read({ fd, position, length }: Extract<PackTask, { kind: 'file' }>): Uint8Array | undefined {
  for (let filled = 0; filled < length; ) {
    const read = readSync(fd, buffer, filled, length - filled, position + filled);
    if (read === 0) return undefined;
    filled += read;
  }
  return buffer.subarray(0, length);
}

const port = parentPort;
if (!port) throw new Error('this module is the body of a thread');
port.on('message', (task: PackTask) => {
  const reply = answer(task);
  port.postMessage(reply, reply.kind === 'packed' ? [reply.frame.buffer] : []);
});
