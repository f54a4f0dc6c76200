import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readSync } from 'node:fs';
import type { Digest } from '@filetracker/protocol';
import { describe, expect, it } from 'vitest';
import type { BlobId, BlobStore } from '#server/blobs/blob-store.js';

/** A blob store, and another process that wrote to the same data and was killed. */
export interface BlobStoreFixture {
  readonly store: BlobStore;
  /**
   * Publishes three copies of ten bytes in a process of its own, claims the first of them, stages a fourth, and
   * dies. Resolves with the published ones.
   */
  readonly crashedWriter: () => Promise<readonly [claimed: BlobId, named: BlobId, unnamed: BlobId]>;
}

const digestOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex') as Digest;

async function publish(store: BlobStore, bytes: Uint8Array): Promise<BlobId> {
  const staged = await store.stage();
  await staged.write(bytes);
  return staged.publish(digestOf(bytes));
}

async function contentOf(store: BlobStore, id: BlobId, length: number): Promise<Buffer | undefined> {
  const blob = await store.open(id);
  if (!blob) return undefined;
  const buffer = Buffer.alloc(length + 1);
  const read = readSync(blob.fd, buffer, 0, length + 1, 0);
  await blob.close();
  return buffer.subarray(0, read);
}

/** What every implementation of `BlobStore` must do. */
export function describeBlobStore(implementation: string, create: () => Promise<BlobStoreFixture>): void {
  describe(`${implementation} as a BlobStore`, () => {
    it('gives back what was written, piece by piece', async () => {
      const { store } = await create();
      const bytes = randomBytes(100_000);
      const staged = await store.stage();
      await staged.write(bytes.subarray(0, 1));
      await staged.write(bytes.subarray(1));
      const id = await staged.publish(digestOf(bytes));
      expect(await contentOf(store, id, bytes.length)).toEqual(bytes);
      expect(readFileSync(store.pathOf(id))).toEqual(bytes);
    });

    it('gives every copy a name of its own', async () => {
      const { store } = await create();
      const bytes = randomBytes(10);
      const [a, b] = [await publish(store, bytes), await publish(store, bytes)];
      expect(a).not.toBe(b);
      await store.delete(a);
      expect(await contentOf(store, a, 10)).toBeUndefined();
      expect(await contentOf(store, b, 10)).toEqual(bytes);
    });

    it('I3: keeps an open copy readable after it was deleted', async () => {
      const { store } = await create();
      const bytes = randomBytes(10);
      const id = await publish(store, bytes);
      const blob = await store.open(id);
      await store.delete(id);
      const buffer = Buffer.alloc(10);
      readSync(blob?.fd ?? -1, buffer);
      await blob?.close();
      expect(buffer).toEqual(bytes);
    });

    it('forgives deleting twice and discarding after publishing', async () => {
      const { store } = await create();
      const staged = await store.stage();
      const id = await staged.publish(digestOf(new Uint8Array()));
      await staged.discard();
      expect(await contentOf(store, id, 0)).toEqual(Buffer.alloc(0));
      await store.delete(id);
      await store.deleteDurably([id]);
    });

    it('I4: sweeps what dead writers left and metadata does not name, and nothing of the living', async () => {
      const { store, crashedWriter } = await create();
      const alive = await publish(store, randomBytes(10));
      const [claimed, named, unnamed] = await crashedWriter();
      expect(await store.sweep(async (id) => id === named)).toBe(2);
      expect(await contentOf(store, unnamed, 10)).toBeUndefined();
      for (const id of [claimed, named, alive]) expect(await contentOf(store, id, 10)).toHaveLength(10);
      expect(await store.sweep(async () => false)).toBe(0);
    });
  });
}
