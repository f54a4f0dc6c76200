import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { FRAME_BYTES } from '@filetracker/durable-fs/zstd-frame';
import type { Content, PutOptions } from '../data-store.js';
import { markSourceFailures, sourceChanged } from '../transfer.js';
import type { FramePacker } from './frame-packer.js';
import type { PackTask } from './pack-worker.js';

/**
 * Content as zstd frames of {@link FRAME_BYTES} each, which the server checks and stores as they are. Threads compress
 * them, and read them where the content is a file. Fails with `SourceFailure` where it is not as long as announced.
 */
export function packedUpload(
  content: Content,
  options: PutOptions,
  packer: FramePacker,
): AsyncGenerator<Uint8Array> {
  const { path } = content;
  return markSourceFailures(() =>
    path === undefined
      ? packedTasks(streamTasks(content), content.size, options, packer)
      : packedFile(path, content.size, options, packer),
  );
}

async function* packedFile(
  path: string,
  size: number,
  options: PutOptions,
  packer: FramePacker,
): AsyncGenerator<Uint8Array> {
  // A pipe that takes the file's place meanwhile must not make this wait for its other end.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if ((await handle.stat()).size !== size) throw sourceChanged();
    yield* packedTasks(fileTasks(handle.fd, size), size, options, packer);
  } finally {
    await handle.close();
  }
}

/** Compresses some frames ahead of what is sent. When it ends, no thread is at work for it any more. */
async function* packedTasks(
  tasks: AsyncIterable<PackTask> | Iterable<PackTask>,
  total: number,
  { signal, onProgress }: PutOptions,
  packer: FramePacker,
): AsyncGenerator<Uint8Array> {
  const ahead: { readonly length: number; readonly frame: Promise<Uint8Array | undefined> }[] = [];
  let done = 0;
  onProgress?.({ done, total });
  const next = async (): Promise<Uint8Array> => {
    signal?.throwIfAborted();
    const oldest = ahead[0];
    const frame = await oldest?.frame;
    ahead.shift();
    if (!oldest || !frame) throw sourceChanged();
    done += oldest.length;
    onProgress?.({ done, total });
    return frame;
  };
  try {
    for await (const task of tasks) {
      const length = task.kind === 'file' ? task.length : task.bytes.byteLength;
      const frame = packer.pack(task);
      // Looked at when its turn comes; until then it must not count as unhandled.
      frame.catch(() => undefined);
      ahead.push({ length, frame });
      if (ahead.length > packer.threads) yield await next();
    }
    while (ahead.length > 0) yield await next();
  } finally {
    await Promise.allSettled(ahead.map(({ frame }) => frame));
  }
}

function* fileTasks(fd: number, size: number): Generator<PackTask> {
  for (let position = 0; position < size; position += FRAME_BYTES) {
    yield { kind: 'file', fd, position, length: Math.min(FRAME_BYTES, size - position) };
  }
}

async function* streamTasks(content: Content): AsyncGenerator<PackTask> {
  const { size } = content;
  let seen = 0;
  let bytes = new Uint8Array(0);
  let filled = 0;
  for await (const chunk of content.open()) {
    for (let rest = chunk; rest.byteLength > 0; ) {
      if (filled === bytes.byteLength) {
        if (seen === size) throw sourceChanged();
        bytes = new Uint8Array(Math.min(FRAME_BYTES, size - seen));
        filled = 0;
      }
      const part = rest.subarray(0, bytes.byteLength - filled);
      bytes.set(part, filled);
      filled += part.byteLength;
      seen += part.byteLength;
      rest = rest.subarray(part.byteLength);
      if (filled === bytes.byteLength) {
        yield { kind: 'bytes', bytes };
        bytes = new Uint8Array(0);
        filled = 0;
      }
    }
  }
  if (seen < size) throw sourceChanged();
}
