import { parseFileName, toVersion } from '@filetracker/protocol';
import { describe, expect, it } from 'vitest';
import type { MetadataStore } from '#server/metadata/metadata-store.js';
import { PLAIN_RULES, type StoreRules } from '#server/metadata/rules.js';
import { blob, digestOf, file, inline } from '../support/file-records.js';

const A = parseFileName('a');
const ALWAYS = Number.POSITIVE_INFINITY;

/** Rules that keep a history. */
function keeping(keepVersions: number, keepFor: number): StoreRules {
  return { ...PLAIN_RULES, history: { keepVersions, keepFor } };
}

/** The versions of "a" that are kept, newest first; those that were deleted with their deletion. */
async function kept(store: MetadataStore): Promise<readonly string[]> {
  const versions = await store.versions({ name: A, limit: 100 });
  return versions.map(({ version, deletion }) =>
    deletion === undefined ? `${version}` : `${version}x${deletion}`,
  );
}

/** Puts versions of "a", each with a content of its own. */
async function putVersions(store: MetadataStore, ...versions: readonly number[]): Promise<void> {
  for (const version of versions) {
    const content = `content ${version}`;
    await store.putFile(file('a', version, content), { location: inline(content) });
  }
}

/** What every `MetadataStore` that was opened with rules and a clock must do with versions of the past. */
export function describeMetadataHistory(
  implementation: string,
  create: (rules: StoreRules, now?: () => number) => Promise<MetadataStore>,
): void {
  describe(`the history of ${implementation}`, () => {
    it('keeps nothing of the past unless told to', async () => {
      const store = await create(PLAIN_RULES);
      await putVersions(store, 1, 2);
      expect(await kept(store)).toEqual(['2']);
      expect(await store.findFile(A, toVersion(1))).toBeUndefined();
      expect(await store.findFile(A, toVersion(2))).toMatchObject({ version: 2 });
      expect(await store.totals()).toMatchObject({ files: 1, contents: 1, keptVersions: 0, keptBytes: 0 });
    });

    it('finds kept versions by their number, with their contents', async () => {
      const store = await create(keeping(3, ALWAYS));
      await putVersions(store, 1, 2, 3);
      for (const version of [1, 2, 3]) {
        expect(await store.findFile(A, toVersion(version))).toMatchObject({
          version,
          digest: digestOf(`content ${version}`),
          location: inline(`content ${version}`),
        });
      }
      expect(await store.findFile(A, toVersion(4))).toBeUndefined();
      expect(await kept(store)).toEqual(['3', '2', '1']);
      expect(await store.totals()).toMatchObject({
        files: 1,
        logicalBytes: 9,
        keptVersions: 2,
        keptBytes: 18,
        contents: 3,
      });
    });

    it('keeps so many versions and gives the contents of others up', async () => {
      const store = await create(keeping(2, ALWAYS));
      await store.putFile(file('a', 1, 'one'), { location: blob('first') });
      await putVersions(store, 2, 3);
      expect(await kept(store)).toEqual(['3', '2']);
      expect(await store.collectGarbage({ limit: 10, deleted: [] })).toEqual(['first']);
      expect(await store.totals()).toMatchObject({ contents: 2, keptVersions: 1 });
    });

    it('I5: an older put has no effect, an equal one replaces, and neither leaves a past', async () => {
      const store = await create(keeping(9, ALWAYS));
      await putVersions(store, 5);
      await putVersions(store, 4);
      expect(await kept(store)).toEqual(['5']);
      await store.putFile(file('a', 5, 'again'), { location: inline('again') });
      expect(await kept(store)).toEqual(['5']);
      expect(await store.findFile(A, toVersion(5))).toMatchObject({ digest: digestOf('again') });
      expect(await store.totals()).toMatchObject({ contents: 1, keptVersions: 0 });
    });

    it('keeps what was deleted, with the deletion', async () => {
      const store = await create(keeping(9, ALWAYS));
      await putVersions(store, 1, 3);
      await store.deleteFile(A, toVersion(7));
      expect(await store.findFile(A)).toBeUndefined();
      expect(await kept(store)).toEqual(['3x7', '1']);
      expect(await store.findFile(A, toVersion(3))).toMatchObject({ location: inline('content 3') });
      await putVersions(store, 2);
      expect(await store.findFile(A)).toMatchObject({ version: 2 });
      expect(await kept(store)).toEqual(['3x7', '2', '1']);
      await putVersions(store, 3);
      expect(await kept(store)).toEqual(['3', '2', '1']);
    });

    it('drops what ended first where too much is kept, whatever the versions say', async () => {
      const store = await create(keeping(2, ALWAYS));
      await putVersions(store, 9000);
      await store.deleteFile(A, toVersion(9000));
      await putVersions(store, 1, 2);
      expect(await kept(store)).toEqual(['2', '1']);
    });

    it('forgets what ended longer ago than it is kept, in bounded steps, also after a restart', async () => {
      let now = 1_000_000;
      const store = await create(keeping(ALWAYS, 1000), () => now);
      await putVersions(store, 1, 2);
      now += 600;
      await putVersions(store, 3);
      expect(await store.expireHistory(10)).toEqual({ leftGarbage: false, next: 1_001_000 });
      now += 400;
      expect(await store.expireHistory(10)).toEqual({ leftGarbage: false, next: 1_001_600 });
      expect(await kept(store)).toEqual(['3', '2']);
      await store.deleteFile(A, toVersion(3));
      now += 1000;
      expect(await store.expireHistory(1)).toEqual({ leftGarbage: false, next: now });
      expect(await kept(store)).toEqual(['3x3']);
      expect(await store.expireHistory(1)).toMatchObject({ leftGarbage: false });
      expect(await kept(store)).toEqual([]);
      expect(await store.totals()).toMatchObject({ contents: 0, keptVersions: 0, keptBytes: 0 });
    });

    it('orders by version alone while the clock jumps, and forgets in the end', async () => {
      let now = 4_000_000_000_000;
      const store = await create(keeping(ALWAYS, 1000), () => now);
      const last = 253_402_300_799;
      await putVersions(store, 0, 5);
      now = -5000;
      await putVersions(store, 7);
      now = 1_000_000;
      await putVersions(store, last);
      await putVersions(store, 9);
      expect(await kept(store)).toEqual([`${last}`, '7', '5', '0']);
      now = 2_000_000;
      await store.expireHistory(10);
      // What ended when the clock was ahead waits until it is as late again.
      expect(await kept(store)).toEqual([`${last}`, '0']);
      now = 4_000_000_001_000;
      expect(await store.expireHistory(10)).toMatchObject({ next: now + 1000 });
      expect(await kept(store)).toEqual([`${last}`]);
    });

    it('pages through the versions of a file', async () => {
      const store = await create(keeping(9, ALWAYS));
      await putVersions(store, 1, 2, 3, 4, 5);
      const first = await store.versions({ name: A, limit: 2 });
      expect(first.map(({ version }) => version)).toEqual([5, 4]);
      const second = await store.versions({ name: A, before: toVersion(4), limit: 2 });
      expect(second.map(({ version }) => version)).toEqual([3, 2]);
      expect(await store.versions({ name: A, before: toVersion(1), limit: 2 })).toEqual([]);
    });

    it('lists a moment of the past: the newest versions by then, without what was deleted by then', async () => {
      const store = await create(keeping(9, ALWAYS), () => 1_000_000_000);
      const put = (name: string, version: number) =>
        store.putFile(file(name, version, name), { location: inline(name) });
      await put('d/a', 10);
      await put('d/a', 20);
      await put('d/b', 15);
      await store.deleteFile(parseFileName('d/b'), toVersion(18));
      await put('d/c/x', 12);
      await put('e', 30);
      const asOf = async (moment: number, directory = '') => {
        const files = await store.list({ directory: directory as '', limit: 10, asOf: toVersion(moment) });
        return files.map(({ name, version }) => `${name}@${version}`);
      };
      expect(await asOf(9)).toEqual([]);
      expect(await asOf(10)).toEqual(['d/a@10']);
      expect(await asOf(17)).toEqual(['d/a@10', 'd/b@15', 'd/c/x@12']);
      expect(await asOf(18)).toEqual(['d/a@10', 'd/c/x@12']);
      expect(await asOf(20, 'd')).toEqual(['d/a@20', 'd/c/x@12']);
      expect(await asOf(99)).toEqual(['d/a@20', 'd/c/x@12', 'e@30']);
      const children = await store.listChildren({ directory: '', limit: 10, asOf: toVersion(17) });
      expect(children).toEqual([{ kind: 'directory', name: 'd' }]);
    });

    it('takes a deletion that says no moment for one of the moment in which it was made', async () => {
      const store = await create(keeping(9, ALWAYS), () => 500_000);
      const asOf = async (moment: number) =>
        (await store.list({ directory: '', limit: 10, asOf: toVersion(moment) })).map(
          ({ version }) => version,
        );
      await putVersions(store, 10, 20);
      await store.deleteFile(A, toVersion(20));
      expect(await asOf(499)).toEqual([20]);
      expect(await asOf(500)).toEqual([]);
      // Put again with an older version than the deleted one: that is what there is now.
      await putVersions(store, 15);
      expect(await asOf(500)).toEqual([15]);
      expect(await asOf(19)).toEqual([15]);
      expect(await asOf(12)).toEqual([10]);
    });
  });
}
