import { parseFileName, toVersion } from '@filetracker/protocol';
import { describe, expect, it } from 'vitest';
import type { BlobId } from '#server/blobs/blob-store.js';
import type { Condition } from '#server/metadata/conditions.js';
import type { DirectoryEntry } from '#server/metadata/listing.js';
import type { MetadataStore } from '#server/metadata/metadata-store.js';
import { PLAIN_RULES, type StoreRules } from '#server/metadata/rules.js';
import { blob, digestOf, file, inline } from '../support/file-records.js';

/** What every implementation of `MetadataStore` must do. */
export function describeMetadataStore(
  implementation: string,
  create: (rules?: StoreRules) => Promise<MetadataStore>,
): void {
  describe(`${implementation} as a MetadataStore`, () => {
    it('finds what was put, and nothing else', async () => {
      const store = await create();
      const a = file('dir/a', 5, 'content');
      expect(await store.putFile(a, { location: inline('content') })).toEqual({
        kind: 'stored',
        copyKept: true,
        leftGarbage: false,
      });
      const found = await store.findFile(a.name);
      expect(found).toMatchObject({ ...a, location: { kind: 'inline', encoding: 'raw' } });
      for (const name of ['dir', 'dir/', 'dir/aa', 'dir/a/b', 'other']) {
        expect(await store.findFile(parseFileName(name))).toBeUndefined();
      }
    });

    it('I5: keeps the newest version, and lets an equal one replace', async () => {
      const store = await create();
      await store.putFile(file('a', 5, 'five'), { location: inline('five') });
      expect(await store.putFile(file('a', 4, 'four'), { location: inline('four') })).toEqual({
        kind: 'unchanged',
        stored: file('a', 5, 'five'),
      });
      expect(await store.putFile(file('a', 5, 'again'), { location: inline('again') })).toMatchObject({
        kind: 'stored',
      });
      expect(await store.putFile(file('a', 9, 'nine'), { location: inline('nine') })).toMatchObject({
        kind: 'stored',
      });
      expect(await store.findFile(parseFileName('a'))).toMatchObject({
        version: 9,
        digest: digestOf('nine'),
      });
      expect(await store.findContent(digestOf('four'))).toBeUndefined();
      expect(await store.totals()).toMatchObject({ files: 1, contents: 1, logicalBytes: 4 });
    });

    it('I5: deletes only what is not newer', async () => {
      const store = await create();
      const { name } = file('a', 5, 'x');
      await store.putFile(file('a', 5, 'x'), { location: inline('x') });
      expect(await store.deleteFile(name, toVersion(4))).toEqual({ kind: 'newer' });
      expect(await store.findFile(name)).toBeDefined();
      expect(await store.deleteFile(name, toVersion(5))).toEqual({
        kind: 'deleted',
        leftGarbage: false,
      });
      expect(await store.deleteFile(name, toVersion(5))).toEqual({ kind: 'missing' });
      expect(await store.totals()).toEqual({
        files: 0,
        logicalBytes: 0,
        keptVersions: 0,
        keptBytes: 0,
        contents: 0,
        contentBytes: 0,
        storedBytes: 0,
      });
    });

    it('keeps one copy of a content, whoever offers more', async () => {
      const store = await create();
      expect(await store.putFile(file('a', 1, 'same'), { location: blob('first') })).toMatchObject({
        copyKept: true,
      });
      expect(await store.putFile(file('b', 1, 'same'), { location: blob('second') })).toMatchObject({
        copyKept: false,
      });
      expect(await store.putFile(file('c', 1, 'same'))).toMatchObject({ copyKept: false });
      expect((await store.findContent(digestOf('same')))?.location).toEqual(blob('first'));
      expect(await store.totals()).toMatchObject({ files: 3, contents: 1, storedBytes: 7 });
    });

    it('says when no copy was offered and none is here', async () => {
      const store = await create();
      expect(await store.putFile(file('a', 1, 'gone'))).toEqual({ kind: 'content-missing' });
      expect(await store.findFile(parseFileName('a'))).toBeUndefined();
    });

    it('I4: gives copies up only when nothing refers to them, and takes them up again in time', async () => {
      const store = await create();
      await store.putFile(file('a', 1, 'same'), { location: blob('first') });
      await store.putFile(file('b', 1, 'same'), { location: blob('second') });
      await store.deleteFile(parseFileName('a'), toVersion(1));
      expect(await store.collectGarbage({ limit: 10, deleted: [] })).toEqual([]);
      await store.deleteFile(parseFileName('b'), toVersion(1));
      expect(await store.putFile(file('c', 1, 'same'), { location: blob('third') })).toMatchObject({
        copyKept: false,
      });
      expect(await store.collectGarbage({ limit: 10, deleted: [] })).toEqual([]);
      await store.putFile(file('c', 1, 'other'), { location: blob('fourth') });
      expect(await store.garbage(10)).toBe(1);
      expect(await store.collectGarbage({ limit: 10, deleted: [] })).toEqual(['first']);
      expect(await store.findContent(digestOf('same'))).toBeUndefined();
      // Whoever was to delete it may have crashed.
      expect(await store.collectGarbage({ limit: 10, deleted: [] })).toEqual(['first']);
      expect(await store.garbage(10)).toBe(1);
      expect(await store.collectGarbage({ limit: 10, deleted: ['first' as BlobId] })).toEqual([]);
      expect(await store.garbage(10)).toBe(0);
      expect(await store.collectGarbage({ limit: 10, deleted: [] })).toEqual([]);
      expect(await store.totals()).toMatchObject({ files: 1, contents: 1, storedBytes: 7 });
    });

    it('collects no more than it was asked for at a time', async () => {
      const store = await create();
      for (const name of ['a', 'b', 'c']) {
        await store.putFile(file(name, 1, name), { location: blob(name) });
        await store.deleteFile(parseFileName(name), toVersion(1));
      }
      expect(await store.garbage(2)).toBe(2);
      const deleted = await store.collectGarbage({ limit: 2, deleted: [] });
      expect(await store.garbage(10)).toBe(3);
      expect(deleted).toHaveLength(2);
      expect(await store.collectGarbage({ limit: 2, deleted })).toHaveLength(1);
    });

    it('puts a new copy in the place of a lost one, once', async () => {
      const store = await create();
      await store.putFile(file('a', 1, 'same'), { location: blob('lost') });
      expect(await store.replaceLostCopy(digestOf('same'), 'other' as BlobId, blob('new'))).toBe(false);
      expect(await store.replaceLostCopy(digestOf('same'), 'lost' as BlobId, blob('new'))).toBe(true);
      expect(await store.replaceLostCopy(digestOf('same'), 'lost' as BlobId, blob('newer'))).toBe(false);
      expect((await store.findContent(digestOf('same')))?.location).toEqual(blob('new'));
    });

    it('lets no name be both a file and a directory', async () => {
      const store = await create();
      await store.putFile(file('a/b', 1, 'x'), { location: inline('x') });
      const conflict = expect.objectContaining({ code: 'name_conflict' }) as unknown;
      await expect(store.putFile(file('a', 1, 'x'), { location: inline('x') })).rejects.toThrow(
        conflict as Error,
      );
      await expect(store.putFile(file('a/b/c', 1, 'x'), { location: inline('x') })).rejects.toThrow(
        conflict as Error,
      );
      await expect(store.putFile(file('a/b/c/d', 1, 'x'), { location: inline('x') })).rejects.toThrow(
        conflict as Error,
      );
      for (const name of ['a!', 'a0', 'a/b!', 'a/bb', 'a/b0']) {
        expect(await store.putFile(file(name, 1, 'x'), { location: inline('x') })).toMatchObject({
          kind: 'stored',
        });
      }
      expect(await store.totals()).toMatchObject({ files: 6, contents: 1 });
    });

    it('lets an emptied directory become a file, and a deleted file a directory', async () => {
      const store = await create();
      await store.putFile(file('a/b', 1, 'x'), { location: inline('x') });
      await store.deleteFile(parseFileName('a/b'), toVersion(1));
      expect(await store.putFile(file('a', 1, 'x'), { location: inline('x') })).toMatchObject({
        kind: 'stored',
      });
      await store.deleteFile(parseFileName('a'), toVersion(1));
      expect(await store.putFile(file('a/b', 1, 'x'), { location: inline('x') })).toMatchObject({
        kind: 'stored',
      });
    });

    it('lists in the order of UTF-8 bytes, page by page', async () => {
      const store = await create();
      // U+FF5E comes before U+1F600 in UTF-8, after it in UTF-16.
      const names = ['a', 'a!', 'a0/x', 'b', 'd/e', 'd/f/g', 'd0', 'é', '\uff5e', '\u{1f600}'];
      for (const name of names.toReversed())
        await store.putFile(file(name, 1, 'x'), { location: inline('x') });
      const listed: string[] = [];
      for (;;) {
        const after = listed.at(-1);
        const page = await store.list({
          directory: '',
          limit: 3,
          ...(after === undefined ? {} : { after: parseFileName(after) }),
        });
        if (page.length === 0) break;
        listed.push(...page.map(({ name }) => name));
      }
      expect(listed).toEqual(names);
      const below = await store.list({ directory: parseFileName('d'), limit: 10 });
      expect(below.map(({ name }) => name)).toEqual(['d/e', 'd/f/g']);
      expect(await store.list({ directory: parseFileName('a'), limit: 10 })).toEqual([]);
    });

    it('lists one directory without what lies deeper, page by page', async () => {
      const store = await create();
      for (const name of ['a', 'a.b/x', 'a.b/y', 'b/c/d', 'b/e', 'c', 'c!', 'd/x']) {
        await store.putFile(file(name, 1, 'x'), { location: inline('x') });
      }
      const listed: string[] = [];
      for (let after: DirectoryEntry | undefined; ; ) {
        const page = await store.listChildren({ directory: '', limit: 2, after });
        listed.push(...page.map(({ kind, name }) => (kind === 'directory' ? `${name}/` : name)));
        after = page.at(-1);
        if (page.length < 2) break;
      }
      expect(listed).toEqual(['a', 'a.b/', 'b/', 'c', 'c!', 'd/']);
      const below = await store.listChildren({ directory: parseFileName('b'), limit: 10 });
      expect(below).toEqual([
        { kind: 'directory', name: 'b/c' },
        { kind: 'file', ...file('b/e', 1, 'x') },
      ]);
      const behind = { kind: 'directory', name: parseFileName('b/bb') } as const;
      expect(await store.listChildren({ directory: parseFileName('b'), after: behind, limit: 1 })).toEqual([
        below[0],
      ]);
    });

    it('changes a file only if it is as the condition says', async () => {
      const store = await create();
      const put = (version: number, content: string, condition: Condition) =>
        store.putFile(file('a', version, content), { location: inline(content), condition });
      const failed = expect.objectContaining({ code: 'precondition_failed' }) as Error;
      await expect(put(1, 'one', { ifMatch: '*' })).rejects.toThrow(failed);
      expect(await put(1, 'one', { ifNoneMatch: '*' })).toMatchObject({ kind: 'stored' });
      await expect(put(2, 'two', { ifNoneMatch: '*' })).rejects.toThrow(failed);
      await expect(put(2, 'two', { ifMatch: [digestOf('other')] })).rejects.toThrow(failed);
      await expect(put(2, 'two', { ifNoneMatch: [digestOf('one')] })).rejects.toThrow(failed);
      expect(await put(2, 'two', { ifMatch: [digestOf('other'), digestOf('one')] })).toMatchObject({
        kind: 'stored',
      });
      const name = parseFileName('a');
      const condition = { ifMatch: [digestOf('one')] };
      await expect(store.deleteFile(name, toVersion(9), { condition })).rejects.toThrow(failed);
      expect(await store.findFile(name)).toMatchObject({ version: 2 });
      const met = { ifMatch: [digestOf('two')], ifNoneMatch: [digestOf('one')] };
      expect(await store.deleteFile(name, toVersion(9), { condition: met })).toMatchObject({
        kind: 'deleted',
      });
      await expect(store.deleteFile(name, toVersion(9), { condition: met })).rejects.toThrow(failed);
      expect(await store.totals()).toMatchObject({ files: 0, contents: 0 });
    });

    it('lets one of many win who put a file only if there is none', async () => {
      const store = await create();
      const puts = Array.from({ length: 20 }, (_, n) =>
        store.putFile(file('a', n, `${n}`), { location: inline(`${n}`), condition: { ifNoneMatch: '*' } }),
      );
      const settled = await Promise.allSettled(puts);
      expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(await store.totals()).toMatchObject({ files: 1, contents: 1 });
    });

    it('lets nothing be changed where files are only added', async () => {
      const store = await create({ ...PLAIN_RULES, appendOnly: true });
      const put = (version: number, content: string) =>
        store.putFile(file('a', version, content), { location: inline(content) });
      const forbidden = expect.objectContaining({ code: 'forbidden' }) as Error;
      expect(await put(5, 'five')).toMatchObject({ kind: 'stored' });
      await expect(put(6, 'six')).rejects.toThrow(forbidden);
      await expect(put(5, 'other')).rejects.toThrow(forbidden);
      await expect(store.deleteFile(parseFileName('a'), toVersion(9))).rejects.toThrow(forbidden);
      const unchanged = { kind: 'unchanged', stored: file('a', 5, 'five') };
      for (const version of [4, 5, 6]) expect(await put(version, 'five')).toEqual(unchanged);
      expect(await put(4, 'older')).toEqual(unchanged);
      expect(await store.totals()).toMatchObject({ files: 1, contents: 1 });
    });

    it('remembers deleted names on request until they are put again', async () => {
      const store = await create();
      const { name } = file('a', 1, 'x');
      await store.putFile(file('a', 1, 'x'), { location: inline('x') });
      expect(await store.hasTombstone(name)).toBe(false);
      await store.deleteFile(name, toVersion(1), { tombstone: true });
      expect(await store.hasTombstone(name)).toBe(true);
      const never = { location: inline('x'), condition: { neverStored: true } };
      await expect(store.putFile(file('a', 2, 'x'), never)).rejects.toThrow(/was stored or deleted here/);
      await store.putFile(file('b', 2, 'x'), never);
      await expect(store.putFile(file('b', 3, 'x'), never)).rejects.toThrow(/was stored or deleted here/);
      await store.putFile(file('a', 1, 'x'), { location: inline('x') });
      expect(await store.hasTombstone(name)).toBe(false);
    });

    it('probes without changing anything that can be read', async () => {
      const store = await create();
      await store.putFile(file('a', 1, 'x'), { location: inline('x') });
      const before = await store.totals();
      await Promise.all([store.probe(), store.probe()]);
      expect(await store.totals()).toEqual(before);
      expect(await store.list({ directory: '', limit: 10 })).toHaveLength(1);
    });

    it('decides between concurrent changes of one name and one content', async () => {
      const store = await create();
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, version) =>
          store.putFile(file('a', version, `content ${version % 3}`), { location: blob(`copy ${version}`) }),
        ),
      );
      expect(outcomes.filter(({ kind }) => kind === 'content-missing')).toEqual([]);
      expect(await store.findFile(parseFileName('a'))).toMatchObject({ version: 49 });
      await store.collectGarbage({ limit: 100, deleted: [] });
      expect(await store.totals()).toMatchObject({ files: 1, contents: 1 });
    });
  });
}
