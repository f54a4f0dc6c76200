import { ContentHash } from '@filetracker/durable-fs';
import { type Digest, type FileName, ProtocolError, type Version } from '@filetracker/protocol';
import type { BlobStore } from '../blobs/blob-store.js';
import type { FramePool } from '../codec/frame-pool.js';
import { type Condition, refuseUnmet } from '../metadata/conditions.js';
import type { ContentLocation, FileRecord, MetadataStore, PutOutcome } from '../metadata/metadata-store.js';
import { ContentWriter } from './content-writer.js';
import { type ArrivingContent, cutFrames, type ReadyFrame, refuseExcess } from './frames.js';
import { HeldContent } from './held-content.js';

/** A file that is to be stored with a content that is sent. */
export interface PutRequest {
  readonly name: FileName;
  readonly version: Version;
  /** The content, as it arrives or, if it is small, all of it. */
  readonly content: ArrivingContent | Uint8Array;
  /** What the client says the content's digest is. */
  readonly digest?: Digest | undefined;
  /** What the client says the content's length is, in bytes. */
  readonly size?: number | undefined;
  readonly condition?: Condition | undefined;
}

/** A file that is to be stored with a content that should be here already. */
export interface PutStoredRequest extends Omit<PutRequest, 'content' | 'digest'> {
  readonly digest: Digest;
}

/** What the writing of a name needs to know beside the file. */
interface Commit {
  /** A new copy of the content. */
  readonly offered?: ContentLocation | undefined;
  /** The content as it was found in the store. */
  readonly held?: HeldContent | undefined;
  readonly condition: Condition | undefined;
}

/** What uploads share. */
interface UploadsOptions {
  /** Largest content in bytes that is accepted. */
  readonly maxFileSize: number;
  /** Told when what was overwritten left a copy that nothing refers to. */
  readonly onGarbage: () => void;
}

/** The order in which a put reaches the disk: a content is durable before a name refers to it. */
export class Uploads {
  readonly #writer: ContentWriter;

  constructor(
    private readonly metadata: MetadataStore,
    private readonly blobs: BlobStore,
    private readonly pool: FramePool,
    private readonly options: UploadsOptions,
  ) {
    this.#writer = new ContentWriter(blobs, pool);
  }

  /** See `FileStore.put`. */
  put(request: PutRequest): Promise<FileRecord> {
    const { content } = request;
    return content instanceof Uint8Array
      ? this.#putWhole(request, content)
      : this.#putStream(request, content);
  }

  /** Puts a content that has arrived: there is nothing to spare by looking before. */
  async #putWhole(request: PutRequest, content: Uint8Array): Promise<FileRecord> {
    const { name, version, condition } = request;
    const hash = new ContentHash();
    hash.update(content);
    const size = content.byteLength;
    refuseExcess(size, { declared: request.size, maximum: this.options.maxFileSize });
    const digest = verifiedDigest(hash, request);
    let held: HeldContent | undefined;
    try {
      const offered = await this.#writer.writeWhole(content, digest, async (stored) => {
        held = (await this.#hold(stored))?.held;
        return held !== undefined;
      });
      return await this.#commit({ name, version, digest, size }, { offered, held, condition });
    } finally {
      await held?.release();
    }
  }

  async #putStream(request: PutRequest, content: ArrivingContent): Promise<FileRecord> {
    const { name, version, size: declared, condition } = request;
    await this.#refuseEarly(request);
    const hash = new ContentHash();
    const frames = cutFrames(content, this.pool, hash, { declared, maximum: this.options.maxFileSize });
    let held = request.digest && (await this.#hold(request.digest))?.held;
    let digest: Digest | undefined;
    const finish = () => (digest = verifiedDigest(hash, request));
    try {
      let offered: ContentLocation | undefined;
      if (held) await drain(frames, this.pool, finish);
      else {
        offered = await this.#writer.write(frames, finish, async (stored) => {
          held = (await this.#hold(stored))?.held;
          return held !== undefined;
        });
      }
      if (digest === undefined) throw new Error('the content was not read to its end');
      return await this.#commit({ name, version, digest, size: hash.size }, { offered, held, condition });
    } finally {
      await held?.release();
    }
  }

  /** See `FileStore.putStored`. */
  async putStored(request: PutStoredRequest): Promise<FileRecord> {
    const { name, version, digest, size, condition } = request;
    await this.#refuseEarly(request);
    const found = await this.#hold(digest);
    if (!found)
      throw new ProtocolError('content_missing', `the content ${digest} is not stored here; send it`);
    try {
      if (size !== undefined && size !== found.size) {
        throw new ProtocolError(
          'size_mismatch',
          `the content has ${found.size} bytes, but Logical-Size says ${size}`,
        );
      }
      return await this.#commit({ name, version, digest, size: found.size }, { held: found.held, condition });
    } finally {
      await found.held.release();
    }
  }

  /** Spares the transfer of a content that would be refused behind it. The commit decides for good. */
  async #refuseEarly(request: Omit<PutRequest, 'content'>): Promise<void> {
    const { name, version, size = 0, condition } = request;
    if (condition) refuseUnmet(condition, name, await this.metadata.findFile(name));
    await this.metadata.checkQuota({ name, version, size });
  }

  async #hold(digest: Digest): Promise<{ held: HeldContent; size: number } | undefined> {
    const found = await this.metadata.findContent(digest);
    const held = found && (await HeldContent.take(digest, found.location, this.blobs));
    return held && { held, size: found.size };
  }

  /** Writes the name. Resolves with what is stored afterwards. */
  async #commit(file: FileRecord, { offered, held, condition }: Commit): Promise<FileRecord> {
    let outcome = await this.#putFile(file, offered, condition);
    if (outcome.kind === 'content-missing') {
      outcome = await this.#putFile(file, await held?.copy(), condition);
      if (outcome.kind === 'content-missing') throw new Error('a held content cannot be missing');
    }
    if (outcome.kind === 'unchanged') return outcome.stored;
    if (outcome.leftGarbage) this.options.onGarbage();
    return file;
  }

  async #putFile(
    file: FileRecord,
    location: ContentLocation | undefined,
    condition: Condition | undefined,
  ): Promise<PutOutcome> {
    if (location?.kind !== 'blob') return this.metadata.putFile(file, { location, condition });
    let kept = false;
    try {
      const outcome = await this.metadata.putFile(file, { location, condition });
      kept =
        outcome.kind === 'stored' && (outcome.copyKept || (await this.#replaceLost(file.digest, location)));
      return outcome;
    } catch (error) {
      // A commit that failed says nothing certain about what is on the disk: only what is not named may go.
      const stored = (await this.metadata.findContent(file.digest))?.location;
      kept = stored?.kind === 'blob' && stored.blob === location.blob;
      throw error;
    } finally {
      await (kept ? this.blobs.claim(location.blob) : this.blobs.delete(location.blob));
    }
  }

  /** The content was there already: true if its copy was lost, and the new one has taken its place. */
  async #replaceLost(digest: Digest, location: ContentLocation): Promise<boolean> {
    const stored = (await this.metadata.findContent(digest))?.location;
    if (stored?.kind !== 'blob') return false;
    const blob = await this.blobs.open(stored.blob);
    await blob?.close();
    return blob === undefined && this.metadata.replaceLostCopy(digest, stored.blob, location);
  }
}

/** Reads a content to its end without storing it. */
async function drain(
  frames: AsyncIterable<Uint8Array | ReadyFrame>,
  pool: FramePool,
  finish: () => Digest,
): Promise<void> {
  for await (const frame of frames)
    pool.release(frame instanceof Uint8Array ? frame : await frame.compressed);
  finish();
}

/** The digest of a content that was read to its end. Throws when it is not what the client announced. */
function verifiedDigest(hash: ContentHash, { digest: claimed, size }: PutRequest): Digest {
  if (size !== undefined && hash.size !== size) {
    throw new ProtocolError(
      'size_mismatch',
      `the content has ${hash.size} bytes, but Logical-Size says ${size}`,
    );
  }
  const digest = hash.digest();
  if (claimed !== undefined && claimed !== digest) {
    throw new ProtocolError(
      'digest_mismatch',
      `the content has digest ${digest}, but SHA256-Checksum says ${claimed}`,
    );
  }
  return digest;
}
