import { type Digest, parseFileName, toVersion } from '@filetracker/protocol';
import { expect, it, onTestFinished } from 'vitest';
import { Environment } from '#server/metadata/lmdb/environment.js';
import { LmdbMetadataStore } from '#server/metadata/lmdb/lmdb-metadata-store.js';
import type { AuditView } from '#server/metadata/metadata-audit.js';
import { PLAIN_RULES } from '#server/metadata/rules.js';
import { describeMetadataHistory } from '../conformance/metadata-history.js';
import { describeMetadataQuotas } from '../conformance/metadata-quotas.js';
import { describeMetadataStore } from '../conformance/metadata-store.js';
import { collect } from '../support/collect.js';
import { file, inline } from '../support/file-records.js';
import { auditMetadata } from '../support/metadata-audit.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

async function create(
  directory = temporaryDirectory(),
  rules = PLAIN_RULES,
  now = Date.now,
): Promise<LmdbMetadataStore> {
  const store = await LmdbMetadataStore.open(directory, { durable: true, rules, now });
  onTestFinished(() => store.close());
  return store;
}

describeMetadataStore('LMDB', (rules) => create(temporaryDirectory(), rules));
describeMetadataHistory('LMDB', (rules, now) => create(temporaryDirectory(), rules, now));
describeMetadataQuotas('LMDB', () => {
  const directory = temporaryDirectory();
  return (rules) => create(directory, rules);
});

it('has everything after it was closed and opened again', async () => {
  const directory = temporaryDirectory();
  const first = await LmdbMetadataStore.open(directory, { durable: true, rules: PLAIN_RULES });
  const stored = {
    name: parseFileName('a/b'),
    version: toVersion(7),
    digest: 'ab'.repeat(32) as Digest,
    size: 3,
  };
  await first.putFile(stored, {
    location: { kind: 'inline', encoding: 'zstd', bytes: Buffer.from('xyz') },
  });
  await first.close();
  const second = await create(directory);
  expect(await second.findFile(stored.name)).toMatchObject(stored);
  expect(await second.totals()).toMatchObject({ files: 1, storedBytes: 3 });
});

it('I4: leaks nothing of a version that was kept, put again while none was kept, and is kept again', async () => {
  const directory = temporaryDirectory();
  const keeping = { ...PLAIN_RULES, history: { keepVersions: 9, keepFor: Number.POSITIVE_INFINITY } };
  for (const [rules, version, content] of [
    [keeping, 1, 'first'],
    [keeping, 2, 'second'],
    [PLAIN_RULES, undefined, ''],
    [PLAIN_RULES, 1, 'again'],
    [keeping, 3, 'third'],
  ] as const) {
    const store = await LmdbMetadataStore.open(directory, { durable: false, rules });
    if (version === undefined) await store.deleteFile(parseFileName('a'), toVersion(9));
    else await store.putFile(file('a', version, content), { location: inline(content) });
    await store.close();
  }
  const environment = await Environment.open(directory, { durable: false });
  expect(auditMetadata(environment)).toEqual([]);
  await environment.close();
});

it('an audit reads a frozen view as it was, whatever changes meanwhile', async () => {
  const store = await create();
  const put = (name: string, version: number, content: string) =>
    store.putFile(file(name, version, content), { location: inline(content) });
  await put('kept', 1, 'first');
  await put('gone', 1, 'first');
  const seen = async (view: AuditView) => ({
    versions: (await collect(view.versions())).flat(),
    contents: (await collect(view.contents({}))).flat(),
    totals: await view.totals(),
  });
  const before = await seen(store.audit());
  expect(before.contents).toMatchObject([{ references: 2 }]);
  const view = store.audit().freeze();
  const versions = view.versions()[Symbol.asyncIterator]();
  const firstPage = await versions.next();
  await put('kept', 2, 'second');
  await store.deleteFile(parseFileName('gone'), toVersion(1));
  for (let n = 0; n < 500; n++) await put(`new ${n}`, 1, `content ${n}`);
  expect(await seen(view)).toEqual(before);
  expect(firstPage.value).toEqual(before.versions);
  view.close();
  expect(await seen(store.audit())).toMatchObject({ totals: { files: 501 } });
});
