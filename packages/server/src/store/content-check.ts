import { createHash } from 'node:crypto';
import { decompressInto } from '@filetracker/durable-fs/zstd-frame';
import type { Digest } from '@filetracker/protocol';
import type { BlobStore, StoredCopy } from '../blobs/blob-store.js';
import type { CopyVerifier } from '../codec/copy-verifier.js';
import type { AuditedContent } from '../metadata/metadata-audit.js';

/** Reads stored contents to their end and says whether they are what they should be. */
export class ContentCheck {
  constructor(
    private readonly blobs: BlobStore,
    private readonly verifier: CopyVerifier,
  ) {}

  /** Whether a content has exactly the bytes that its digest and size say. */
  async isSound(content: AuditedContent): Promise<boolean> {
    return (await this.unsound([content])).size === 0;
  }

  /**
   * Those of some contents that have not exactly the bytes that their digests and sizes say.
   *
   * @param onVerified told of stored bytes that were read, from time to time
   */
  async unsound(
    contents: readonly AuditedContent[],
    onVerified: (bytes: number) => void = () => {},
  ): Promise<ReadonlySet<Digest>> {
    const unsound = new Set<Digest>();
    const copies: { path: string; storedSize: number; content: AuditedContent }[] = [];
    for (const content of contents) {
      const { location, storedSize } = content;
      if (location.kind === 'blob') {
        copies.push({ path: this.blobs.pathOf(location.blob), storedSize, content });
        continue;
      }
      if (!isSoundInline(content)) unsound.add(content.digest);
      onVerified(storedSize);
    }
    const found = await this.verifier.verify(copies, onVerified);
    for (const [{ content }, holds] of found) {
      if (holds?.digest !== content.digest || holds.size !== content.size) unsound.add(content.digest);
    }
    return unsound;
  }

  /** What a copy is a sound copy of, as it would be recorded; `undefined` when it is damaged. */
  async contentOf(
    { id, digest, bytes }: StoredCopy,
    references: number,
  ): Promise<AuditedContent | undefined> {
    const copy = { path: this.blobs.pathOf(id), storedSize: bytes };
    const found = (await this.verifier.verify([copy])).get(copy);
    if (found?.digest !== digest) return undefined;
    const location = { kind: 'blob', blob: id, storedSize: bytes } as const;
    return { digest, references, size: found.size, storedSize: bytes, location };
  }

  /**
   * Does something for each item, for a few at once: as many as keep the verifier's threads busy. Where it fails for
   * one, it is not begun for others, and nothing is under way any more once this rejects.
   */
  async each<T>(items: readonly T[], action: (item: T) => Promise<void>): Promise<void> {
    const rest = handOut(items);
    const worker = async () => {
      for (const item of rest) {
        this.verifier.signal?.throwIfAborted();
        await action(item);
      }
    };
    const ends = await Promise.allSettled(Array.from({ length: this.verifier.threads * 2 }, worker));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }
}

/** The items, for several loops: an array's own iterator would go on for the others where one of them throws. */
function* handOut<T>(items: readonly T[]): Generator<T> {
  yield* items;
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
