import { createHash } from 'node:crypto';
import type { BlobStore, StoredCopy } from '../blobs/blob-store.js';
import type { CopyVerifier } from '../codec/copy-verifier.js';
import { decompressInto } from '../codec/zstd.js';
import type { AuditedContent } from '../metadata/metadata-audit.js';

/** Reads stored contents to their end and says whether they are what they should be. */
export class ContentCheck {
  constructor(
    private readonly blobs: BlobStore,
    private readonly verifier: CopyVerifier,
  ) {}

  /** Whether a content has exactly the bytes that its digest and size say. */
  async isSound(content: AuditedContent): Promise<boolean> {
    const { location, digest, size, storedSize } = content;
    if (location.kind === 'inline') return isSoundInline(content);
    const blob = await this.blobs.open(location.blob);
    if (!blob) return false;
    try {
      const found = await this.verifier.verify(blob.fd, storedSize);
      return found.digest === digest && found.size === size;
    } catch {
      return false;
    } finally {
      await blob.close();
    }
  }

  /** What a copy is a sound copy of, as it would be recorded; `undefined` when it is damaged. */
  async contentOf(
    { id, digest, bytes }: StoredCopy,
    references: number,
  ): Promise<AuditedContent | undefined> {
    const blob = await this.blobs.open(id);
    if (!blob) return undefined;
    try {
      const found = await this.verifier.verify(blob.fd, bytes);
      if (found.digest !== digest) return undefined;
      const location = { kind: 'blob', blob: id, storedSize: bytes } as const;
      return { digest, references, size: found.size, storedSize: bytes, location };
    } catch {
      return undefined;
    } finally {
      await blob.close();
    }
  }

  /** Does something for each item, for a few at once: as many as keep the verifier's threads busy. */
  async each<T>(items: readonly T[], action: (item: T) => Promise<void>): Promise<void> {
    const rest = items.values();
    const worker = async () => {
      for (const item of rest) await action(item);
    };
    await Promise.all(Array.from({ length: this.verifier.threads * 2 }, worker));
  }
}

function isSoundInline({ location, digest, size }: AuditedContent): boolean {
  if (location.kind !== 'inline') return false;
  try {
    const plain = location.encoding === 'raw' ? location.bytes : Buffer.alloc(size);
    if (location.encoding === 'zstd') decompressInto(plain, location.bytes);
    return plain.byteLength === size && createHash('sha256').update(plain).digest('hex') === digest;
  } catch {
    return false;
  }
}
