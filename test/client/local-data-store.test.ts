import { readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LocalDataStore, parseFileName, toVersion } from '@filetracker/client';
import { expect, it } from 'vitest';
import { contentOf, dataStoreConformance } from '../conformance/data-store.js';
import { collect } from '../support/collect.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

dataStoreConformance('LocalDataStore', async () => ({
  store: new LocalDataStore(temporaryDirectory()),
  end: async () => {},
}));

const F = parseFileName('a/f');

it('stores files as other Filetracker clients find them: files/<name>, version as time', async () => {
  const directory = temporaryDirectory();
  await new LocalDataStore(directory).put(F, toVersion(1_700_000_000), contentOf(Buffer.from('x')));
  expect(statSync(join(directory, 'files/a/f')).mtimeMs).toBe(1_700_000_000_000);
  expect(readdirSync(join(directory, 'tmp'))).toEqual([]);
});

it('saves by hard link, which a later put does not touch', async () => {
  const directory = temporaryDirectory();
  const store = new LocalDataStore(directory);
  await store.put(F, toVersion(5), contentOf(Buffer.from('five')));
  const target = join(directory, 'linked');
  await store.save(F, target);
  expect(statSync(target).ino).toBe(statSync(join(directory, 'files/a/f')).ino);
  await store.put(F, toVersion(9), contentOf(Buffer.from('nine')));
  expect(statSync(target).ino).not.toBe(statSync(join(directory, 'files/a/f')).ino);
});

it('puts and deletes beside each other do not trip over directories that come and go', async () => {
  const store = new LocalDataStore(temporaryDirectory());
  const rounds = Array.from({ length: 60 }, async (_, index) => {
    const name = parseFileName(`deep/er/${index % 6}/x${index}`);
    await store.put(name, toVersion(5), contentOf(Buffer.from('x')));
    await store.delete(name, toVersion(5));
  });
  await Promise.all(rounds);
  expect(await collect(store.list(''))).toEqual([]);
});

it('removes what killed processes left behind, but nothing recent', async () => {
  const directory = temporaryDirectory();
  await new LocalDataStore(directory).put(F, toVersion(5), contentOf(Buffer.from('x')));
  writeFileSync(join(directory, 'tmp/old'), '');
  writeFileSync(join(directory, 'tmp/recent'), '');
  utimesSync(join(directory, 'tmp/old'), 1, 1);
  await new LocalDataStore(directory).put(F, toVersion(6), contentOf(Buffer.from('x')));
  expect(readdirSync(join(directory, 'tmp'))).toEqual(['recent']);
});
