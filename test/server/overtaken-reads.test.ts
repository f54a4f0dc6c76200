import { Readable } from 'node:stream';
import { parseFileName, toVersion } from '@filetracker/protocol';
import { FileStore, PLAIN_RULES } from '@filetracker/server';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { FsBlobStore } from '#server/blobs/fs.js';
import { FramePool } from '#server/codec/frame-pool.js';
import { LmdbMetadataStore } from '#server/metadata/lmdb/lmdb-metadata-store.js';
import { incompressible } from '../support/contents.js';
import { PATIENTLY } from '../support/patiently.js';
import { blobFiles } from '../support/store-files.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const NAME = parseFileName('a');

/** A store in which something happens between the moment that a read has found its file and that it opens the copy. */
async function storeWithBarrier() {
  const directory = temporaryDirectory();
  const onError = (error: unknown) => expect.unreachable(String(error));
  const metadata = await LmdbMetadataStore.open(directory, { durable: false, rules: PLAIN_RULES, onError });
  const blobs = await FsBlobStore.open(directory, { durable: false });
  const store = new FileStore(metadata, blobs, new FramePool(1), {
    maxFileSize: Number.MAX_SAFE_INTEGER,
    keepTombstones: false,
    onBackgroundError: onError,
  });
  onTestFinished(() => store.close());
  let between: (() => Promise<unknown>) | undefined;
  const open = blobs.open.bind(blobs);
  blobs.open = async (id) => {
    const happen = between;
    between = undefined;
    await happen?.();
    return open(id);
  };
  const put = (version: number) =>
    store.put({
      name: NAME,
      version: toVersion(version),
      content: Readable.from([incompressible(`version ${version}`, 20_000)]),
    });
  /** Runs `happen` when the next copy is about to be opened, and waits until so many copies are left. */
  const overtake = (happen: () => Promise<unknown>, copies: number) => {
    between = async () => {
      await happen();
      await vi.waitFor(() => expect(blobFiles(directory)).toHaveLength(copies), PATIENTLY);
    };
  };
  return { store, put, overtake };
}

describe('I3: a read that is overtaken between finding its file and opening the copy', () => {
  it('by an overwriting, and the old copy is gone, answers with the new one', async () => {
    const { store, put, overtake } = await storeWithBarrier();
    await put(1);
    overtake(() => put(2), 1);
    const { file, content } = await store.open(NAME, () => ({ view: 'plain' }));
    expect(file.version).toBe(2);
    const chunks: Uint8Array[] = [];
    for await (const chunk of content as AsyncIterable<Uint8Array>) chunks.push(Buffer.from(chunk));
    if ('close' in content) await content.close();
    expect(Buffer.concat(chunks).equals(incompressible('version 2', 20_000))).toBe(true);
  });

  it('by a deletion answers that there is no such file, and not that it is damaged', async () => {
    const { store, put, overtake } = await storeWithBarrier();
    await put(1);
    overtake(() => store.delete(NAME, toVersion(1)), 0);
    await expect(store.open(NAME, () => ({ view: 'plain' }))).rejects.toMatchObject({ code: 'not_found' });
  });
});
