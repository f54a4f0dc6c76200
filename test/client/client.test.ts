import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  DummyClient,
  FileTrackerClient,
  ProtocolError,
  UsageError,
  VersionMismatchError,
} from '@filetracker/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { collect } from '../support/collect.js';
import { suiteServer } from '../support/suite-server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const server = suiteServer();

const kinds = {
  'in memory': () => new DummyClient(),
  'with a cache only': () => new FileTrackerClient({ cacheDir: temporaryDirectory(), remoteStore: 'none' }),
  'with a server only': () => new FileTrackerClient({ localStore: 'none', remoteUrl: server.process.url }),
  'with both': () => new FileTrackerClient({ cacheDir: temporaryDirectory(), remoteUrl: server.process.url }),
};

describe.each(Object.entries(kinds))('a client %s', (kind, make) => {
  let client: FileTrackerClient;
  let directory: string;
  const root = `/${kind.replaceAll(' ', '-')}`;
  beforeEach(() => {
    client = make();
    directory = temporaryDirectory();
  });
  afterEach(async () => {
    for (const { name } of await collect(client.listFiles())) await client.deleteFile({ name });
    await client.close();
  });

  it('keeps a file, a stream and bytes, and gives them back', async () => {
    const file = join(directory, 'in');
    const long = Buffer.alloc(3_000_000, 'long stream ');
    writeFileSync(file, 'from a file');
    const sources = {
      file,
      bytes: Buffer.from('bytes'),
      stream: Readable.from([Buffer.from('str'), Buffer.from('eam')]),
      long: Readable.from([long.subarray(0, 9), long.subarray(9)]),
    };
    for (const [key, source] of Object.entries(sources)) {
      const name = await client.putFile(`${root}/${key}`, source);
      expect(name).toMatch(/@\d{10}$/);
      expect(await client.getFile(name, join(directory, key))).toBe(name);
    }
    const saved = Object.keys(sources).map((key) => readFileSync(join(directory, key)));
    expect(saved.slice(0, 3).map(String)).toEqual(['from a file', 'bytes', 'stream']);
    expect(saved[3]?.equals(long)).toBe(true);
  });

  it('tells version, size and digest', async () => {
    await client.putFile(`${root}/f@5`, Buffer.from('five'));
    expect(await client.fileVersion(`${root}/f`)).toBe(5);
    expect(await client.fileSize(`${root}/f`)).toBe(4);
    expect(await client.stat(`${root}/f@5`)).toMatchObject({
      name: `${root}/f`.slice(1),
      version: 5,
      size: 4,
    });
    await expect(client.stat(`${root}/f@7`)).rejects.toThrow(VersionMismatchError);
    await expect(client.getStream(`${root}/f@7`)).rejects.toThrow(VersionMismatchError);
    await expect(client.fileVersion(`${root}/g`)).rejects.toThrow(/does not exist/);
  });

  it('takes names that look versioned as objects', async () => {
    await client.putFile({ name: `${root}/f@9`, version: 5 }, Buffer.from('x'));
    expect(await client.fileVersion({ name: `${root}/f@9` })).toBe(5);
    expect(await client.getFile(`${root}/f@9@5`, join(directory, 'x'))).toBe(`${root}/f@9@5`);
    await expect(client.fileVersion(`${root}/f`)).rejects.toThrow(/does not exist/);
  });

  it('lists and deletes', async () => {
    for (const name of ['a/1', 'a/b/2', 'c']) await client.putFile(`${root}/${name}@5`, Buffer.from('x'));
    const names = (await collect(client.listFiles({ directory: `${root}/a` }))).map(({ name }) => name);
    expect(names.sort()).toEqual([`${root}/a/1`, `${root}/a/b/2`].map((name) => name.slice(1)));
    expect(await collect(client.listFiles({ cutoff: new Date(4_000) }))).toEqual([]);
    await client.deleteFile(`${root}/a/1@5`);
    await expect(client.fileVersion(`${root}/a/1`)).rejects.toThrow(/does not exist/);
  });

  it('refuses names that break the rules, and puts to nowhere', async () => {
    for (const name of ['/a/../b', '', '/a//b', '/a\n', `/${'x'.repeat(256)}`]) {
      await expect(client.putFile(name, Buffer.from('x'))).rejects.toThrow(ProtocolError);
    }
    const nowhere = client.putFile('/f', Buffer.from('x'), { toLocalStore: false, toRemoteStore: false });
    await expect(nowhere).rejects.toThrow(UsageError);
  });

  it('ignores the flag of a store that it does not have', async () => {
    for (const flags of [{ toLocalStore: false }, { toRemoteStore: false }]) {
      const name = await client.putFile(`${root}/f`, Buffer.from('x'), flags);
      expect(await client.getFile(name, join(directory, 'x'))).toBe(name);
    }
  });
});

it('lists remote names relative to a directory or from the root', async () => {
  const client = new DummyClient();
  await client.putFile('/a/b/c@5', Buffer.from('x'));
  expect(await collect(client.listRemoteFiles())).toEqual(['a/b/c']);
  expect(await collect(client.listRemoteFiles({ directory: '/a' }))).toEqual(['b/c']);
  expect(await collect(client.listRemoteFiles({ directory: '/a', absolutePaths: true }))).toEqual(['/a/b/c']);
  expect(await collect(client.listLocalFiles())).toEqual([{ name: '/a/b/c@5', version: 5, size: 1 }]);
});

it('needs a store', () => {
  expect(() => new FileTrackerClient({ localStore: 'none', remoteStore: 'none' })).toThrow(UsageError);
});
