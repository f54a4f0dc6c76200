import { type DirectoryName, parseDirectoryName, parseFileName, toVersion } from '@filetracker/protocol';
import { describe, expect, it } from 'vitest';
import type { MetadataStore } from '#server/metadata/metadata-store.js';
import { PLAIN_RULES, type Quota, type StoreRules } from '#server/metadata/rules.js';
import { file, inline } from '../support/file-records.js';

const limit = (directory: string, unit: Quota['unit'], most: number): Quota => ({
  directory: parseDirectoryName(directory),
  unit,
  most,
});

/**
 * What every `MetadataStore` must do with quotas.
 *
 * @param createPlace makes an empty place, and returns what opens the store in it any number of times
 */
export function describeMetadataQuotas(
  implementation: string,
  createPlace: () => (rules: StoreRules) => Promise<MetadataStore>,
): void {
  const put = (store: MetadataStore, name: string, version: number, content: string) =>
    store.putFile(file(name, version, content), { location: inline(content) });

  const withQuotas = async (...quotas: readonly Quota[]) => {
    const store = await createPlace()({ ...PLAIN_RULES, quotas });
    while (await store.countForQuotas(10));
    return store;
  };

  const used = async (store: MetadataStore) => (await store.quotas()).map((quota) => quota.used);

  describe(`the quotas of ${implementation}`, () => {
    it('limit the bytes in a directory, and say how many are used', async () => {
      const store = await withQuotas(limit('/d', 'bytes', 10));
      await put(store, 'd/a', 1, '123456');
      await put(store, 'dd/a', 1, '123456789012');
      await expect(put(store, 'd/e/b', 1, '12345')).rejects.toMatchObject({
        code: 'quota_exceeded',
        message: 'the quota of "/d" is 10 bytes: 6 are used, and 5 more are needed',
        numbers: { limit: 10, used: 6, needed: 5 },
      });
      expect(await store.findFile(parseFileName('d/e/b'))).toBeUndefined();
      await put(store, 'd/e/b', 1, '1234');
      expect(await store.quotas()).toEqual([
        { directory: 'd', unit: 'bytes', most: 10, used: 10, counting: false },
      ]);
    });

    it('count what an overwrite and a deletion give back', async () => {
      const store = await withQuotas(limit('/d', 'bytes', 10), limit('/', 'files', 2));
      await put(store, 'd/a', 1, '1234567890');
      await put(store, 'd/a', 2, '0987654321');
      await expect(put(store, 'd/a', 3, '12345678901')).rejects.toMatchObject({ code: 'quota_exceeded' });
      await put(store, 'd/a', 3, '1');
      await put(store, 'd/b', 1, '123456789');
      expect(await used(store)).toEqual([10, 2]);
      await expect(put(store, 'c', 1, '')).rejects.toMatchObject({
        message: 'the quota of "/" is 2 files: 2 are used, and 1 more are needed',
      });
      await store.deleteFile(parseFileName('d/b'), toVersion(1));
      expect(await used(store)).toEqual([1, 1]);
      await put(store, 'c', 1, '');
    });

    it('take what becomes less, also beyond the limit, and what changes nothing', async () => {
      const open = createPlace();
      await put(await open(PLAIN_RULES), 'd/a', 5, '1234567890');
      const store = await open({ ...PLAIN_RULES, quotas: [limit('/d', 'bytes', 5)] });
      while (await store.countForQuotas(10));
      expect(await put(store, 'd/a', 4, '12345678901')).toMatchObject({ kind: 'unchanged' });
      await put(store, 'd/a', 6, '123456789');
      await expect(put(store, 'd/a', 7, '1234567890')).rejects.toMatchObject({ code: 'quota_exceeded' });
      await expect(put(store, 'd/b', 7, '1')).rejects.toMatchObject({ code: 'quota_exceeded' });
      await put(store, 'd/b', 7, '');
    });

    it('limit a single file by its name', async () => {
      const store = await withQuotas(limit('/d/a', 'bytes', 3));
      await put(store, 'd/a!', 1, '12345');
      await put(store, 'd/a', 1, '123');
      await expect(put(store, 'd/a', 2, '1234')).rejects.toMatchObject({ code: 'quota_exceeded' });
    });

    it('count what was there before them in bounded steps, while files change', async () => {
      const open = createPlace();
      const first = await open(PLAIN_RULES);
      for (const name of ['c', 'd/a', 'd/b', 'd/c', 'd/d', 'd/e', 'e']) await put(first, name, 1, '1');
      const quotas = [limit('/d', 'bytes', 1000), limit('/', 'files', 1000)];
      const store = await open({ ...PLAIN_RULES, quotas });
      expect(await store.quotas()).toMatchObject([{ counting: true }, { counting: true }]);
      expect(await store.countForQuotas(2)).toBe(true);
      await put(store, 'd/a', 2, '1234');
      await put(store, 'd/e', 2, '1234');
      await store.deleteFile(parseFileName('d/b'), toVersion(1));
      await store.deleteFile(parseFileName('d/d'), toVersion(1));
      await put(store, 'd/aa', 1, '12');
      await put(store, 'd/f', 1, '12');
      while (await store.countForQuotas(2));
      expect(await used(store)).toEqual([4 + 2 + 1 + 4 + 2, 7]);
      expect(await store.quotas()).toMatchObject([{ counting: false }, { counting: false }]);
      expect(await store.countForQuotas(2)).toBe(false);
    });

    it('know early what will not fit', async () => {
      const store = await withQuotas(limit('/d', 'bytes', 10));
      await put(store, 'd/a', 5, '123456');
      const check = (name: string, version: number, size: number) =>
        store.checkQuota({ name: parseFileName(name), version: toVersion(version), size });
      await expect(check('d/b', 1, 5)).rejects.toMatchObject({ code: 'quota_exceeded' });
      await expect(check('d/a', 5, 11)).rejects.toMatchObject({ code: 'quota_exceeded' });
      await check('d/b', 1, 4);
      await check('d/a', 5, 10);
      // It has no effect anyway.
      await check('d/a', 4, 11);
    });

    it('hold against many at once', async () => {
      const store = await withQuotas(limit('/d', 'files', 7));
      const puts = Array.from({ length: 30 }, (_, n) => put(store, `d/${n}`, 1, `${n}`));
      const settled = await Promise.allSettled(puts);
      expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(7);
      expect(await used(store)).toEqual([7]);
      expect(await store.list({ directory: 'd' as DirectoryName, limit: 100 })).toHaveLength(7);
    });
  });
}
