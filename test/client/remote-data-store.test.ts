import { parseFileName, RemoteDataStore, toVersion } from '@filetracker/client';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { contentOf, dataStoreConformance } from '../conformance/data-store.js';
import { collect } from '../support/collect.js';
import { emptied } from '../support/emptied-store.js';
import { suiteServer } from '../support/suite-server.js';

const server = suiteServer();

dataStoreConformance('RemoteDataStore', async () => {
  const store = new RemoteDataStore({ url: server.process.url });
  return { store, end: () => emptied(store) };
});

const component = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .filter((text) => !/^\.{1,2}$|\/|\p{Cc}|\p{Surrogate}/u.test(text) && Buffer.byteLength(text) < 256);

it('any allowed name, version and content survives the way to the server and back', async () => {
  const store = new RemoteDataStore({ url: server.process.url });
  const file = fc.record({
    name: fc.array(component, { minLength: 1, maxLength: 4 }).map((parts) => parseFileName(parts.join('/'))),
    version: fc.integer({ min: 0, max: 253_402_300_799 }).map(toVersion),
    bytes: fc.uint8Array({ maxLength: 5000 }),
  });
  await fc.assert(
    fc.asyncProperty(file, async ({ name, version, bytes }) => {
      expect(await store.put(name, version, contentOf(bytes))).toBe(version);
      const { stat, stream } = await store.open(name, { version });
      expect(stat).toMatchObject({ name, version, size: bytes.byteLength });
      expect(Buffer.concat((await stream.toArray()) as Buffer[]).equals(bytes)).toBe(true);
      expect((await collect(store.list(''))).map((entry) => entry.name)).toEqual([name]);
      await store.delete(name, version);
    }),
    { numRuns: 60 },
  );
  await store.close();
});
