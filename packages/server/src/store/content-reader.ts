import { read as readCallback } from 'node:fs';
import { promisify } from 'node:util';
import type { BlobStore, OpenBlob } from '../blobs/blob-store.js';
import { FRAME_BYTES, type FramePool } from '../codec/frame-pool.js';
import { decodeSeekTable, FOOTER_BYTES, type Frame, seekTableLength } from '../codec/seek-table.js';
import { decompressInto } from '../codec/zstd.js';
import type { ContentLocation, FileRecord } from '../metadata/metadata-store.js';
import { ContentStream, type ReadAhead } from './content-stream.js';
import { ContentDamagedError } from './errors.js';

const read = promisify(readCallback);

/** Reads contents back. */
export class ContentReader {
  readonly #readAhead: ReadAhead = { readers: 0 };

  constructor(
    private readonly blobs: BlobStore,
    private readonly pool: FramePool,
  ) {}

  /**
   * Opens a content: all of it, or a stream whose beginning was read and found sound. From then on the bytes
   * stay readable, whatever happens to the file's name. `undefined` when the copy is gone.
   * Throws {@link ContentDamagedError}; a stream that meets damage later ends with the same error.
   */
  async open(file: FileRecord, location: ContentLocation): Promise<Uint8Array | ContentStream | undefined> {
    if (location.kind === 'inline') return inlineContent(file, location);
    const blob = await this.blobs.open(location.blob);
    return blob && this.#openStream(blob, file, location.storedSize);
  }

  async #openStream(blob: OpenBlob, file: FileRecord, storedSize: number): Promise<ContentStream> {
    const stream = new ContentStream(blob, file.digest, this.pool, this.#readAhead);
    try {
      await stream.prepare(await framesOf(blob, storedSize, file.size));
      return stream;
    } catch (error) {
      await stream.close();
      throw new ContentDamagedError(file.digest, error);
    }
  }
}

function inlineContent(file: FileRecord, location: ContentLocation & { kind: 'inline' }): Uint8Array {
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
