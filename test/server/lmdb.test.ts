import { type Digest, parseFileName, toVersion } from '@filetracker/protocol';
import { expect, it, onTestFinished } from 'vitest';
import { LmdbMetadataStore } from '#server/metadata/lmdb/lmdb-metadata-store.js';
import { PLAIN_RULES } from '#server/metadata/rules.js';
import { describeMetadataHistory } from '../conformance/metadata-history.js';
import { describeMetadataStore } from '../conformance/metadata-store.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

function create(directory = temporaryDirectory(), rules = PLAIN_RULES, now = Date.now): LmdbMetadataStore {
  const store = LmdbMetadataStore.open(directory, { durable: true, rules, now });
  onTestFinished(() => store.close());
  return store;
}

describeMetadataStore('LMDB', async (rules) => create(temporaryDirectory(), rules));
describeMetadataHistory('LMDB', async (rules, now) => create(temporaryDirectory(), rules, now));

it('has everything after it was closed and opened again', async () => {
  const directory = temporaryDirectory();
  const first = LmdbMetadataStore.open(directory, { durable: true, rules: PLAIN_RULES });
  const file = {
    name: parseFileName('a/b'),
    version: toVersion(7),
    digest: 'ab'.repeat(32) as Digest,
    size: 3,
  };
  await first.putFile(file, {
    location: { kind: 'inline', encoding: 'zstd', bytes: Buffer.from('xyz') },
  });
  await first.close();
  const second = create(directory);
  expect(await second.findFile(file.name)).toMatchObject(file);
  expect(await second.totals()).toMatchObject({ files: 1, storedBytes: 3 });
});
