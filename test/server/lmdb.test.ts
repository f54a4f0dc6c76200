import { type Digest, parseFileName, toVersion } from '@filetracker/protocol';
import { expect, it, onTestFinished } from 'vitest';
import { DEFAULT_CHECKPOINTS } from '#server/metadata/checkpoints/checkpointer.js';
import { LmdbMetadataStore } from '#server/metadata/lmdb/lmdb-metadata-store.js';
import { describeMetadataStore } from '../conformance/metadata-store.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

function open(directory: string): LmdbMetadataStore {
  const onError = (error: unknown) => expect(error).toBeUndefined();
  return LmdbMetadataStore.open(directory, { durable: true, checkpoints: DEFAULT_CHECKPOINTS, onError });
}

function create(directory = temporaryDirectory()): LmdbMetadataStore {
  const store = open(directory);
  onTestFinished(() => store.close());
  return store;
}

describeMetadataStore('LMDB', async () => create());

it('has everything after it was closed and opened again', async () => {
  const directory = temporaryDirectory();
  const first = open(directory);
  const file = {
    name: parseFileName('a/b'),
    version: toVersion(7),
    digest: 'ab'.repeat(32) as Digest,
    size: 3,
  };
  await first.putFile(file, { kind: 'inline', encoding: 'zstd', bytes: Buffer.from('xyz') });
  await first.close();
  const second = create(directory);
  expect(await second.findFile(file.name)).toMatchObject(file);
  expect(await second.totals()).toMatchObject({ files: 1, storedBytes: 3 });
});
