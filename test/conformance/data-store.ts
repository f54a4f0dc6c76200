import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Content,
  ContentError,
  type DataStore,
  DestinationError,
  type Digest,
  type FileName,
  FileNotFoundError,
  NameConflictError,
  NotADirectoryError,
  parseFileName,
  toVersion,
  VersionMismatchError,
} from '@filetracker/client';
import { parseDirectoryName } from '@filetracker/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { collect } from '../support/collect.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/** A store of its own for each test, and how to take it down. */
export interface StoreUnderTest {
  readonly store: DataStore;
  readonly end: () => Promise<void>;
}

const name = (text: string): FileName => parseFileName(text);
const V5 = toVersion(5);
const V7 = toVersion(7);
const V9 = toVersion(9);

/** Content of known size and digest, as stores are given it. */
export function contentOf(bytes: Uint8Array): Content {
  return {
    size: bytes.byteLength,
    digest: createHash('sha256').update(bytes).digest('hex') as Digest,
    open: async function* () {
      yield bytes;
    },
  };
}

async function read(store: DataStore, file: string): Promise<Buffer> {
  const { stream } = await store.open(name(file));
  return Buffer.concat((await stream.toArray()) as Buffer[]);
}

async function list(store: DataStore, directory = '', cutoff?: number): Promise<string[]> {
  const names: string[] = [];
  const options = cutoff === undefined ? {} : { cutoff: toVersion(cutoff) };
  for await (const entry of store.list(parseDirectoryName(directory), options)) names.push(entry.name);
  return names.sort();
}

/** What {@link DataStore} promises, run against one implementation. */
export function dataStoreConformance(label: string, make: () => Promise<StoreUnderTest>): void {
  describe(`${label} keeps the promises of DataStore`, () => {
    let store: DataStore;
    let end: () => Promise<void>;
    beforeEach(async () => ({ store, end } = await make()));
    afterEach(() => end());
    const put = (file: string, version: number, text: string) =>
      store.put(name(file), toVersion(version), contentOf(Buffer.from(text)));

    it.each([
      0, 1, 1023, 65_536, 5_000_000,
    ])('gives back %d bytes as they were put, with version and size', async (size) => {
      const bytes = randomBytes(size);
      expect(await store.put(name('a/b'), V5, contentOf(bytes))).toBe(5);
      expect(await store.stat(name('a/b'))).toMatchObject({ name: 'a/b', version: 5, size });
      const { stat, stream } = await store.open(name('a/b'));
      expect(stat).toMatchObject({ version: 5, size });
      expect(Buffer.concat((await stream.toArray()) as Buffer[]).equals(bytes)).toBe(true);
    });

    it('gives back what compresses well', async () => {
      const bytes = Buffer.alloc(300_000, 'filetracker ');
      await store.put(name('zip'), V5, contentOf(bytes));
      expect((await read(store, 'zip')).equals(bytes)).toBe(true);
    });

    it.each([
      'a b',
      'żółć/文件',
      '100%',
      'a%2Fb',
      'q?x=1#y',
      'x@7',
      '@scope/x',
      'a+b&c',
      "it's",
    ])('stores the name %j', async (file) => {
      await put(file, 5, file);
      expect((await read(store, file)).toString()).toBe(file);
      expect(await list(store)).toEqual([file]);
    });

    it('knows nothing under a name that is missing, a directory, or below a file', async () => {
      await put('a/b', 5, 'x');
      for (const missing of ['nope', 'a', 'a/b/c']) {
        expect(await store.stat(name(missing))).toBeUndefined();
        await expect(store.open(name(missing))).rejects.toThrow(FileNotFoundError);
        await expect(store.delete(name(missing), V9)).rejects.toThrow(FileNotFoundError);
      }
    });

    it('the newest version wins, and an equal one replaces', async () => {
      await put('f', 7, 'seven');
      expect(await put('f', 5, 'five')).toBe(7);
      expect((await read(store, 'f')).toString()).toBe('seven');
      expect(await put('f', 7, 'again')).toBe(7);
      expect((await read(store, 'f')).toString()).toBe('again');
      expect(await put('f', 9, 'nine')).toBe(9);
      expect((await read(store, 'f')).toString()).toBe('nine');
    });

    it('hands out only the version that is asked for', async () => {
      await put('f', 7, 'seven');
      const { stat, stream } = await store.open(name('f'), { version: V7 });
      expect(stat.version).toBe(7);
      stream.destroy();
      await expect(store.open(name('f'), { version: V5 })).rejects.toThrow(VersionMismatchError);
      await expect(store.open(name('f'), { version: V5 })).rejects.toThrow(/version 7.*f@7/);
      const target = join(temporaryDirectory(), 'x');
      await expect(store.save(name('f'), target, { version: V9 })).rejects.toThrow(VersionMismatchError);
      expect(() => statSync(target)).toThrow(/ENOENT/);
    });

    it('a reader gets the bytes it began with while the name is replaced and deleted', async () => {
      const bytes = randomBytes(2_000_000);
      await store.put(name('f'), V5, contentOf(bytes));
      const { stream } = await store.open(name('f'));
      await put('f', 7, 'new');
      await store.delete(name('f'), V9);
      expect(Buffer.concat((await stream.toArray()) as Buffer[]).equals(bytes)).toBe(true);
    });

    it('saves to a path, replacing a file there, with the version as its time', async () => {
      await put('f', 7, 'seven');
      const target = join(temporaryDirectory(), 'x');
      writeFileSync(target, 'before');
      expect(await store.save(name('f'), target)).toMatchObject({ version: 7, size: 5 });
      expect(readFileSync(target, 'utf8')).toBe('seven');
      expect(statSync(target).mtimeMs).toBe(7000);
      // Again: the path is a link to the stored file by now, where links are used.
      await store.save(name('f'), target);
      expect(readFileSync(target, 'utf8')).toBe('seven');
    });

    it('what was saved stays as it is when the name is replaced', async () => {
      await put('f', 7, 'seven');
      const target = join(temporaryDirectory(), 'x');
      await store.save(name('f'), target);
      await put('f', 9, 'nine');
      expect(readFileSync(target, 'utf8')).toBe('seven');
    });

    it('refuses a destination that is a directory, or is below a file', async () => {
      await put('f', 7, 'seven');
      const directory = temporaryDirectory();
      writeFileSync(join(directory, 'file'), '');
      for (const refused of ['.', 'file/x', 'file/x/y'])
        await expect(store.save(name('f'), join(directory, refused))).rejects.toThrow(DestinationError);
      expect(readdirSync(directory)).toEqual(['file']);
    });

    it('makes the directories of a destination, but none for what is not there', async () => {
      await put('f', 7, 'seven');
      const directory = temporaryDirectory();
      await expect(store.save(name('g'), join(directory, 'no/x'))).rejects.toThrow(FileNotFoundError);
      await expect(store.save(name('f'), join(directory, 'no/x'), { version: V9 })).rejects.toThrow(
        VersionMismatchError,
      );
      expect(readdirSync(directory)).toEqual([]);
      await store.save(name('f'), join(directory, 'a/b/x'));
      expect(readFileSync(join(directory, 'a/b/x'), 'utf8')).toBe('seven');
    });

    it('content that is not what it said changes nothing', async () => {
      await put('f', 7, 'seven');
      const good = contentOf(Buffer.from('nine'));
      const wrong: Content[] = [
        { ...good, size: 3 },
        { ...good, size: 5 },
        { ...good, digest: '0'.repeat(64) as Digest },
        {
          ...good,
          open: async function* () {
            yield Buffer.from('ni');
            throw new ContentError('cut', 'source_changed');
          },
        },
      ];
      for (const content of wrong) await expect(store.put(name('f'), V9, content)).rejects.toThrow();
      expect((await read(store, 'f')).toString()).toBe('seven');
      expect(await store.stat(name('f'))).toMatchObject({ version: 7, size: 5 });
    });

    it('a name is never both a file and a directory', async () => {
      await put('a/b', 5, 'x');
      await expect(put('a', 5, 'x')).rejects.toThrow(NameConflictError);
      await expect(put('a/b/c', 5, 'x')).rejects.toThrow(NameConflictError);
      await store.delete(name('a/b'), V9);
      expect(await put('a', 5, 'x')).toBe(5);
      await store.delete(name('a'), V9);
      expect(await put('a/b', 5, 'x')).toBe(5);
    });

    it('stores the newest version, also after one of the future', async () => {
      const content = contentOf(Buffer.from('x'));
      const now = Math.floor(Date.now() / 1000);
      expect(await store.putNewest(name('f'), content)).toBeGreaterThanOrEqual(now);
      await put('f', 4_000_000_000, 'future');
      expect(await store.putNewest(name('f'), content)).toBe(4_000_000_001);
      expect(await store.stat(name('f'))).toMatchObject({ version: 4_000_000_001, size: 1 });
      await put('d/x', 5, 'x');
      await expect(store.putNewest(name('d'), content)).rejects.toThrow(NameConflictError);
    });

    it('lists versions, the newest first', async () => {
      await put('f', 7, 'seven');
      const versions = await collect(store.listVersions(name('f')));
      expect(versions[0]).toMatchObject({ kind: 'stored', name: 'f', version: 7, size: 5 });
      await expect(collect(store.listVersions(name('nope')))).rejects.toThrow(FileNotFoundError);
    });

    it('lists what is directly in a directory', async () => {
      for (const file of ['x', 'a/1', 'a/b/2', 'a/b/3', 'a-b']) await put(file, 5, file);
      const children = async (directory: string) =>
        (await collect(store.listChildren(parseDirectoryName(directory))))
          .map(({ kind, name: child }) => `${kind} ${child}`)
          .sort();
      expect(await children('')).toEqual(['directory a', 'file a-b', 'file x']);
      expect(await children('a')).toEqual(['directory a/b', 'file a/1']);
      await expect(children('nope')).rejects.toThrow(NotADirectoryError);
    });

    it('deletes up to a version', async () => {
      await put('f', 7, 'seven');
      await store.delete(name('f'), V5);
      expect((await read(store, 'f')).toString()).toBe('seven');
      await store.delete(name('f'), V7);
      expect(await store.stat(name('f'))).toBeUndefined();
      await expect(store.delete(name('f'), V7)).rejects.toThrow(FileNotFoundError);
    });

    it('lists what is in and below a directory', async () => {
      expect(await list(store)).toEqual([]);
      for (const file of ['x', 'a/1', 'a/b/2', 'ab/3', 'a-b']) await put(file, 5, file);
      expect(await list(store)).toEqual(['a-b', 'a/1', 'a/b/2', 'ab/3', 'x']);
      expect(await list(store, 'a')).toEqual(['a/1', 'a/b/2']);
      expect(await list(store, 'a/b')).toEqual(['a/b/2']);
      await expect(list(store, 'a/1')).rejects.toThrow(NotADirectoryError);
      await expect(list(store, 'nope')).rejects.toThrow(NotADirectoryError);
    });

    it('lists up to a version, and versions of the future', async () => {
      await put('old', 5, 'x');
      await put('new', 9, 'x');
      await put('future', 4_000_000_000, 'x');
      expect(await list(store, '', 7)).toEqual(['old']);
      expect(await list(store)).toEqual(['future', 'new', 'old']);
    });

    it('reports progress up to the size', async () => {
      const bytes = randomBytes(300_000);
      const seen: number[] = [];
      await store.put(name('f'), V5, contentOf(bytes), { onProgress: ({ done }) => seen.push(done) });
      expect(seen.at(-1)).toBe(300_000);
      seen.length = 0;
      const target = join(temporaryDirectory(), 'x');
      await store.save(name('f'), target, { onProgress: ({ done }) => seen.push(done) });
      expect(seen.at(-1)).toBe(300_000);
    });

    it('an abort in the middle of a put leaves what was there', async () => {
      await put('f', 7, 'seven');
      const abort = new AbortController();
      const endless: Content = {
        size: 1_000_000_000,
        open: async function* () {
          for (;;) {
            yield randomBytes(100_000);
            abort.abort(new Error('enough'));
          }
        },
      };
      await expect(store.put(name('f'), V9, endless, { signal: abort.signal })).rejects.toThrow('enough');
      expect((await read(store, 'f')).toString()).toBe('seven');
    });
  });
}
