import { read as readCallback } from 'node:fs';
import { promisify } from 'node:util';
import type { Digest } from '@filetracker/protocol';
import type { BlobStore, OpenBlob } from '../blobs/blob-store.js';
import type { ContentLocation } from '../metadata/metadata-store.js';

const read = promisify(readCallback);
const COPY_BYTES = 256 * 1024;

/**
 * A stored content that an upload found and wants to refer to instead of writing a copy of its own. Its bytes
 * stay within reach until `release`, so that the upload can still succeed when the content is deleted meanwhile.
 */
export class HeldContent {
  private constructor(
    private readonly digest: Digest,
    private readonly location: ContentLocation,
    private readonly blobs: BlobStore,
    private readonly blob: OpenBlob | undefined,
  ) {}

  /** Takes hold of a content; `undefined` when its copy is gone. */
  static async take(
    digest: Digest,
    location: ContentLocation,
    blobs: BlobStore,
  ): Promise<HeldContent | undefined> {
    if (location.kind === 'inline') return new HeldContent(digest, location, blobs, undefined);
    const blob = await blobs.open(location.blob);
    return blob && new HeldContent(digest, location, blobs, blob);
  }

  /** Stores the content once more and says where. */
  async copy(): Promise<ContentLocation> {
    if (!this.blob || this.location.kind === 'inline') return this.location;
    const staged = await this.blobs.stage();
    try {
      const buffer = Buffer.alloc(COPY_BYTES);
      for (let position = 0; ; ) {
        const { bytesRead } = await read(this.blob.fd, buffer, 0, COPY_BYTES, position);
        if (bytesRead === 0) break;
        await staged.write(buffer.subarray(0, bytesRead));
        position += bytesRead;
      }
      return { ...this.location, blob: await staged.publish(this.digest) };
    } catch (error) {
      await staged.discard();
      throw error;
    }
  }

  async release(): Promise<void> {
    await this.blob?.close();
  }
}
