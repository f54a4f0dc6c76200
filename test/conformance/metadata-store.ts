import { createHash } from 'node:crypto';
import { type Digest, parseFileName, toVersion } from '@filetracker/protocol';
import { describe, expect, it } from 'vitest';
import type { BlobId } from '#server/blobs/blob-store.js';
import type { ContentLocation, MetadataStore } from '#server/metadata/metadata-store.js';

const digestOf = (text: string) => createHash('sha256').update(text).digest('hex') as Digest;
const file = (name: string, version: number, content: string) => ({
  name: parseFileName(name),
  version: toVersion(version),
  digest: digestOf(content),
  size: content.length,
});
const blob = (id: string): ContentLocation => ({ kind: 'blob', blob: id as BlobId, storedSize: 7 });
const inline = (content: string): ContentLocation => ({
  kind: 'inline',
  encoding: 'raw',
  bytes: Buffer.from(content),
});
const keep = { tombstone: false };

/** What every implementation of `MetadataStore` must do. */
export function describeMetadataStore(implementation: string, create: () => Promise<MetadataStore>): void {
  describe(`${implementation} as a MetadataStore`, () => {
    it('finds what was put, and nothing else', async () => {
      const store = await create();
      const a = file('dir/a', 5, 'content');
      expect(await store.putFile(a, inline('content'))).toEqual({
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
      await store.putFile(file('a', 5, 'five'), inline('five'));
      expect(await store.putFile(file('a', 4, 'four'), inline('four'))).toEqual({
        kind: 'newer',
        version: 5,
      });
      expect(await store.putFile(file('a', 5, 'again'), inline('again'))).toMatchObject({ kind: 'stored' });
      expect(await store.putFile(file('a', 9, 'nine'), inline('nine'))).toMatchObject({ kind: 'stored' });
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
      await store.putFile(file('a', 5, 'x'), inline('x'));
      expect(await store.deleteFile(name, toVersion(4), keep)).toEqual({ kind: 'newer' });
      expect(await store.findFile(name)).toBeDefined();
      expect(await store.deleteFile(name, toVersion(5), keep)).toEqual({
        kind: 'deleted',
        leftGarbage: false,
      });
      expect(await store.deleteFile(name, toVersion(5), keep)).toEqual({ kind: 'missing' });
      expect(await store.totals()).toEqual({
        files: 0,
        logicalBytes: 0,
        contents: 0,
        contentBytes: 0,
        storedBytes: 0,
      });
    });

    it('keeps one copy of a content, whoever offers more', async () => {
      const store = await create();
      expect(await store.putFile(file('a', 1, 'same'), blob('first'))).toMatchObject({ copyKept: true });
      expect(await store.putFile(file('b', 1, 'same'), blob('second'))).toMatchObject({ copyKept: false });
      expect(await store.putFile(file('c', 1, 'same'))).toMatchObject({ copyKept: false });
      expect(await store.findContent(digestOf('same'))).toEqual(blob('first'));
      expect(await store.totals()).toMatchObject({ files: 3, contents: 1, storedBytes: 7 });
    });

    it('says when no copy was offered and none is here', async () => {
      const store = await create();
      expect(await store.putFile(file('a', 1, 'gone'))).toEqual({ kind: 'content-missing' });
      expect(await store.findFile(parseFileName('a'))).toBeUndefined();
    });

    it('I4: gives copies up only when nothing refers to them, and takes them up again in time', async () => {
      const store = await create();
      await store.putFile(file('a', 1, 'same'), blob('first'));
      await store.putFile(file('b', 1, 'same'), blob('second'));
      await store.deleteFile(parseFileName('a'), toVersion(1), keep);
      expect(await store.collectGarbage({ limit: 10, deleted: [] })).toEqual([]);
      await store.deleteFile(parseFileName('b'), toVersion(1), keep);
      expect(await store.putFile(file('c', 1, 'same'), blob('third'))).toMatchObject({ copyKept: false });
      expect(await store.collectGarbage({ limit: 10, deleted: [] })).toEqual([]);
      await store.putFile(file('c', 1, 'other'), blob('fourth'));
      expect(await store.collectGarbage({ limit: 10, deleted: [] })).toEqual(['first']);
      expect(await store.findContent(digestOf('same'))).toBeUndefined();
      // Whoever was to delete it may have crashed.
      expect(await store.collectGarbage({ limit: 10, deleted: [] })).toEqual(['first']);
      expect(await store.collectGarbage({ limit: 10, deleted: ['first' as BlobId] })).toEqual([]);
      expect(await store.collectGarbage({ limit: 10, deleted: [] })).toEqual([]);
      expect(await store.totals()).toMatchObject({ files: 1, contents: 1, storedBytes: 7 });
    });

    it('collects no more than it was asked for at a time', async () => {
      const store = await create();
      for (const name of ['a', 'b', 'c']) {
        await store.putFile(file(name, 1, name), blob(name));
        await store.deleteFile(parseFileName(name), toVersion(1), keep);
      }
      const deleted = await store.collectGarbage({ limit: 2, deleted: [] });
      expect(deleted).toHaveLength(2);
      expect(await store.collectGarbage({ limit: 2, deleted })).toHaveLength(1);
    });

    it('puts a new copy in the place of a lost one, once', async () => {
      const store = await create();
      await store.putFile(file('a', 1, 'same'), blob('lost'));
      expect(await store.replaceLostCopy(digestOf('same'), 'other' as BlobId, blob('new'))).toBe(false);
      expect(await store.replaceLostCopy(digestOf('same'), 'lost' as BlobId, blob('new'))).toBe(true);
      expect(await store.replaceLostCopy(digestOf('same'), 'lost' as BlobId, blob('newer'))).toBe(false);
      expect(await store.findContent(digestOf('same'))).toEqual(blob('new'));
    });

    it('lets no name be both a file and a directory', async () => {
      const store = await create();
      await store.putFile(file('a/b', 1, 'x'), inline('x'));
      const conflict = expect.objectContaining({ code: 'name_conflict' }) as unknown;
      await expect(store.putFile(file('a', 1, 'x'), inline('x'))).rejects.toThrow(conflict as Error);
      await expect(store.putFile(file('a/b/c', 1, 'x'), inline('x'))).rejects.toThrow(conflict as Error);
      await expect(store.putFile(file('a/b/c/d', 1, 'x'), inline('x'))).rejects.toThrow(conflict as Error);
      for (const name of ['a!', 'a0', 'a/b!', 'a/bb', 'a/b0']) {
        expect(await store.putFile(file(name, 1, 'x'), inline('x'))).toMatchObject({ kind: 'stored' });
      }
      expect(await store.totals()).toMatchObject({ files: 6, contents: 1 });
    });

    it('lets an emptied directory become a file, and a deleted file a directory', async () => {
      const store = await create();
      await store.putFile(file('a/b', 1, 'x'), inline('x'));
      await store.deleteFile(parseFileName('a/b'), toVersion(1), keep);
      expect(await store.putFile(file('a', 1, 'x'), inline('x'))).toMatchObject({ kind: 'stored' });
      await store.deleteFile(parseFileName('a'), toVersion(1), keep);
      expect(await store.putFile(file('a/b', 1, 'x'), inline('x'))).toMatchObject({ kind: 'stored' });
    });

    it('lists in the order of UTF-8 bytes, page by page', async () => {
      const store = await create();
      // U+FF5E comes before U+1F600 in UTF-8, after it in UTF-16.
      const names = ['a', 'a!', 'a0/x', 'b', 'd/e', 'd/f/g', 'd0', 'é', '\uff5e', '\u{1f600}'];
      for (const name of names.toReversed()) await store.putFile(file(name, 1, 'x'), inline('x'));
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

    it('remembers deleted names on request until they are put again', async () => {
      const store = await create();
      const { name } = file('a', 1, 'x');
      await store.putFile(file('a', 1, 'x'), inline('x'));
      expect(await store.hasTombstone(name)).toBe(false);
      await store.deleteFile(name, toVersion(1), { tombstone: true });
      expect(await store.hasTombstone(name)).toBe(true);
      await store.putFile(file('a', 1, 'x'), inline('x'));
      expect(await store.hasTombstone(name)).toBe(false);
    });

    it('probes without changing anything that can be read', async () => {
      const store = await create();
      await store.putFile(file('a', 1, 'x'), inline('x'));
      const before = await store.totals();
      await Promise.all([store.probe(), store.probe()]);
      expect(await store.totals()).toEqual(before);
      expect(await store.list({ directory: '', limit: 10 })).toHaveLength(1);
    });

    it('decides between concurrent changes of one name and one content', async () => {
      const store = await create();
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, version) =>
          store.putFile(file('a', version, `content ${version % 3}`), blob(`copy ${version}`)),
        ),
      );
      expect(outcomes.filter(({ kind }) => kind === 'content-missing')).toEqual([]);
      expect(await store.findFile(parseFileName('a'))).toMatchObject({ version: 49 });
      await store.collectGarbage({ limit: 100, deleted: [] });
      expect(await store.totals()).toMatchObject({ files: 1, contents: 1 });
    });
  });
}
