import { read as readCallback } from 'node:fs';
import { promisify } from 'node:util';
import { decompressInto, FRAME_BYTES } from '@filetracker/durable-fs/zstd-frame';
import type { BlobStore, OpenBlob } from '../blobs/blob-store.js';
import type { FramePool } from '../codec/frame-pool.js';
import { decodeSeekTable, FOOTER_BYTES, type Frame, seekTableLength } from '../codec/seek-table.js';
import type { ContentLocation, FileRecord } from '../metadata/metadata-store.js';
import { ContentStream, type LoadChunk, type ReadAhead } from './content-stream.js';
import { ContentDamagedError } from './errors.js';
import type { ByteRange, View } from './view.js';

const read = promisify(readCallback);

const NOTHING = new Uint8Array(0);

/** Reads contents back. */
export class ContentReader {
  readonly #readAhead: ReadAhead = { readers: 0 };

  constructor(
    private readonly blobs: BlobStore,
    private readonly pool: FramePool,
  ) {}

  /**
   * Opens a content: what is wanted of it, or a stream of that whose beginning was read and found sound. From
   * then on the bytes stay readable, whatever happens to the file's name. `undefined` when the copy is gone.
   * Throws {@link ContentDamagedError}; a stream that meets damage later ends with the same error.
   */
  async open(
    file: FileRecord,
    location: ContentLocation,
    view: View,
  ): Promise<Uint8Array | ContentStream | undefined> {
    if (view === 'none') return NOTHING;
    if (location.kind === 'inline') return inlineContent(file, location, view);
    const blob = await this.blobs.open(location.blob);
    return blob && this.#openStream(blob, file, location.storedSize, view);
  }

  async #openStream(
    blob: OpenBlob,
    file: FileRecord,
    storedSize: number,
    view: Exclude<View, 'none'>,
  ): Promise<ContentStream> {
    const stream = new ContentStream(blob, file.digest, this.pool, this.#readAhead);
    try {
      const frames = await framesOf(blob, storedSize, file.size);
      if (view === 'stored') {
        await this.#checkFirst(blob, frames);
        await stream.prepare(this.#storedChunks(blob, storedSize));
      } else {
        await stream.prepare(this.#plainChunks(blob, frames, view === 'plain' ? undefined : view));
      }
      return stream;
    } catch (error) {
      await stream.close();
      throw new ContentDamagedError(file.digest, error);
    }
  }

  /** The plain content frame by frame; of a range only the frames that it touches. */
  *#plainChunks(
    blob: OpenBlob,
    frames: readonly Frame[],
    range: ByteRange | undefined,
  ): Generator<LoadChunk> {
    let position = 0;
    for (const frame of frames) {
      const from = Math.max(0, (range?.start ?? 0) - position);
      const to = Math.min(frame.plain, (range?.end ?? Number.POSITIVE_INFINITY) - position);
      position += frame.plain;
      if (from < to) {
        yield async () => (await this.pool.decompress(blob.fd, frame)).subarray(from, to);
      }
    }
  }

  /** The copy as it is, in pieces of a frame's length. */
  *#storedChunks(blob: OpenBlob, storedSize: number): Generator<LoadChunk> {
    for (let position = 0; position < storedSize; position += FRAME_BYTES) {
      const length = Math.min(FRAME_BYTES, storedSize - position);
      yield () => readExactly(blob, this.pool.allocate(length), position);
    }
  }

  /**
   * What goes out as it is stored is not decompressed here, which would cost as much as sending it plain. Checked
   * are the seek table, the length and the first frame, hence all of a small content. For the rest every frame
   * carries a checksum, on which the receiver's decoder fails.
   */
  async #checkFirst(blob: OpenBlob, [first]: readonly Frame[]): Promise<void> {
    if (first) this.pool.release(await this.pool.decompress(blob.fd, first));
  }
}

function inlineContent(
  file: FileRecord,
  location: ContentLocation & { kind: 'inline' },
  view: Exclude<View, 'none'>,
): Uint8Array {
  const plain = plainInline(file, location);
  if (view === 'stored') return location.bytes;
  return view === 'plain' ? plain : plain.subarray(view.start, view.end);
}

function plainInline(file: FileRecord, location: ContentLocation & { kind: 'inline' }): Uint8Array {
  if (location.encoding === 'raw') return location.bytes;
  const plain = Buffer.allocUnsafe(file.size);
  try {
    decompressInto(plain, location.bytes);
  } catch (error) {
    throw new ContentDamagedError(file.digest, error);
  }
  return plain;
}

async function framesOf(blob: OpenBlob, storedSize: number, plainSize: number): Promise<readonly Frame[]> {
  if (plainSize <= FRAME_BYTES) return [{ position: 0, compressed: storedSize, plain: plainSize }];
  const tail = (length: number) => readExactly(blob, Buffer.alloc(length), storedSize - length);
  const length = seekTableLength(await tail(FOOTER_BYTES));
  return decodeSeekTable(await tail(length), storedSize, plainSize);
}

/** Fills `target` with the blob's bytes from `position` on. */
async function readExactly<T extends Uint8Array>({ fd }: OpenBlob, target: T, position: number): Promise<T> {
  if (position < 0) throw new Error('file is too short');
  for (let length = 0; length < target.byteLength; ) {
    const { bytesRead } = await read(fd, target, length, target.byteLength - length, position + length);
    if (bytesRead === 0) throw new Error('file is too short');
    length += bytesRead;
  }
  return target;
}
