import { read as readCallback } from 'node:fs';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import type { BlobStore, OpenBlob } from '../blobs/blob-store.js';
import { FRAME_BYTES, type FramePool } from '../codec/frame-pool.js';
import { decodeSeekTable, FOOTER_BYTES, type Frame, seekTableLength } from '../codec/seek-table.js';
import { decompressFrame } from '../codec/zstd.js';
import type { ContentLocation, FileRecord } from '../metadata/metadata-store.js';
import { ContentDamagedError } from './errors.js';

const read = promisify(readCallback);

/** Frames that all readers together may hold ahead of what they send: 32 MiB. */
const FRAMES_AHEAD_IN_ALL = 64;

/** More than two frames ahead make one reader no faster. */
const MAX_FRAMES_AHEAD = 2;

/** Reads contents back. */
export class ContentReader {
  readonly #readers = { active: 0 };

  constructor(
    private readonly blobs: BlobStore,
    private readonly pool: FramePool,
  ) {}

  /**
   * Opens a content: all of it, or a stream whose beginning was read and found sound. From then on the bytes
   * stay readable, whatever happens to the file's name. `undefined` when the copy is gone.
   * Throws {@link ContentDamagedError}; a stream that meets damage later ends with the same error.
   */
  async open(file: FileRecord, location: ContentLocation): Promise<Uint8Array | Readable | undefined> {
    if (location.kind === 'inline') {
      return guarded(file, () =>
        location.encoding === 'raw' ? location.bytes : decompressFrame(location.bytes, file.size),
      );
    }
    const blob = await this.blobs.open(location.blob);
    if (!blob) return undefined;
    return guarded<Uint8Array | Readable>(file, () =>
      file.size <= FRAME_BYTES
        ? this.#readSingle(blob, file.size, location.storedSize)
        : this.#openStream(blob, file, location.storedSize),
    );
  }

  async #readSingle(blob: OpenBlob, size: number, storedSize: number): Promise<Uint8Array> {
    try {
      return await this.pool.decompress(blob.fd, { position: 0, compressed: storedSize, plain: size });
    } finally {
      await blob.close();
    }
  }

  async #openStream(blob: OpenBlob, file: FileRecord, storedSize: number): Promise<Readable> {
    const stream = new FrameStream(blob, file, this.pool, this.#readers);
    try {
      await stream.prepare(await readSeekTable(blob, storedSize, file.size));
      return stream;
    } catch (error) {
      stream.destroy();
      throw error;
    }
  }
}

async function guarded<T>(file: FileRecord, open: () => T | Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    throw new ContentDamagedError(file.digest, error);
  }
}

async function readSeekTable(blob: OpenBlob, storedSize: number, plainSize: number): Promise<Frame[]> {
  const tail = async (length: number) => {
    const position = storedSize - length;
    if (position < 0) throw new Error('file is too short');
    const { bytesRead, buffer } = await read(blob.fd, Buffer.alloc(length), 0, length, position);
    if (bytesRead !== length) throw new Error('file is too short');
    return buffer;
  };
  const length = seekTableLength(await tail(FOOTER_BYTES));
  return decodeSeekTable(await tail(length), storedSize, plainSize);
}

/** Decompresses the frames of an open blob in order, a few ahead of the consumer. Closes the blob at its end. */
class FrameStream extends Readable {
  #frames: readonly Frame[] = [];
  #next = 0;
  readonly #ahead: Promise<Uint8Array>[] = [];
  #current: Promise<Uint8Array> | undefined;

  constructor(
    private readonly blob: OpenBlob,
    private readonly file: FileRecord,
    private readonly pool: FramePool,
    private readonly readers: { active: number },
  ) {
    // One frame at a time goes to the consumer.
    super({ highWaterMark: 1 });
    readers.active++;
  }

  /** Takes the frames and reads the first of them. Rejects if that is damaged. */
  async prepare(frames: readonly Frame[]): Promise<void> {
    this.#frames = frames;
    this.#readAhead(1);
    await this.#ahead[0];
  }

  override _read(): void {
    const allowed = Math.floor(FRAMES_AHEAD_IN_ALL / this.readers.active);
    this.#readAhead(1 + Math.min(MAX_FRAMES_AHEAD, allowed));
    this.#current = this.#ahead.shift();
    if (!this.#current) {
      this.push(null);
      return;
    }
    this.#current.then(
      (bytes) => this.push(bytes),
      (error: unknown) => this.destroy(new ContentDamagedError(this.file.digest, error)),
    );
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.readers.active--;
    // The worker threads may still be reading from the descriptor.
    Promise.allSettled([this.#current, ...this.#ahead])
      .then(() => this.blob.close())
      .then(
        () => callback(error),
        (closeError: Error) => callback(error ?? closeError),
      );
  }

  #readAhead(count: number): void {
    while (this.#ahead.length < count && this.#next < this.#frames.length) {
      const frame = this.#frames[this.#next++];
      if (!frame) return;
      const bytes = this.pool.decompress(this.blob.fd, frame);
      // Looked at when its turn comes; until then it must not count as unhandled.
      bytes.catch(() => undefined);
      this.#ahead.push(bytes);
    }
  }
}
