import { createReadStream, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  type Content,
  FileNotFoundError,
  FileTrackerClient,
  type FileTrackerClientOptions,
  RemoteDataStore,
  UnsupportedError,
  VersionMismatchError,
} from '@filetracker/client';
import { type Digest, parseFileName, toVersion } from '@filetracker/protocol';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { dataStoreConformance } from '../conformance/data-store.js';
import { collect } from '../support/collect.js';
import { incompressible, sha256 } from '../support/contents.js';
import { emptied } from '../support/emptied-store.js';
import { suiteServer } from '../support/suite-server.js';
import { startTcpProxy } from '../support/tcp-proxy.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const server = suiteServer('--keep-versions', '100');
let requests: string[];
let warnings: string[];
let directory: string;
let f: string;
let counter = 0;

beforeEach(() => {
  requests = [];
  warnings = [];
  directory = temporaryDirectory();
  f = `/t${counter++}/f`;
});

function newClient(options: FileTrackerClientOptions = {}): FileTrackerClient {
  const client = new FileTrackerClient({
    remoteUrl: server.process.url,
    localStore: 'none',
    onRequest: ({ method, url, status }) => requests.push(`${method} ${new URL(url).pathname} ${status}`),
    onWarning: (message) => warnings.push(message),
    ...options,
  });
  onTestFinished(() => client.close());
  return client;
}

const text = (content: string) => Buffer.from(content);

async function read(client: FileTrackerClient, name: string): Promise<string> {
  const { stream } = await client.getStream(name);
  return Buffer.concat((await stream.toArray()) as Buffer[]).toString();
}

describe('uploads', () => {
  it('a content that the server has is not sent again', async () => {
    const client = newClient();
    const bytes = incompressible(f, 1_000_000);
    await client.putFile(`${f}@5`, bytes);
    expect(requests).toEqual(['GET /version/ 200', `PUT /files${f} 404`, `PUT /files${f} 200`]);
    requests.length = 0;
    expect(await client.putFile(`${f}2@7`, bytes)).toBe(`${f}2@7`);
    expect(requests).toEqual([`PUT /files${f}2 200`]);
    expect((await client.stat(`${f}2`)).digest).toBe(sha256(bytes));
  });

  it('a small content is sent at once', async () => {
    await newClient().putFile(`${f}@5`, text('small'));
    expect(requests).toEqual(['GET /version/ 200', `PUT /files${f} 200`]);
  });

  const lines = (count: number) =>
    Buffer.from(Array.from({ length: count }, (_, index) => `line ${index}\n`).join(''));

  it('what is long goes as it is to be stored, from memory, a file or a stream', async () => {
    const bytes = lines(300_000);
    const proxy = await startTcpProxy(server.port);
    const path = join(directory, 'file');
    writeFileSync(path, bytes);
    const stream = Readable.from([bytes.subarray(7, 700_001), bytes.subarray(700_001)]);
    // Each is another content, which the server has not.
    const sources = [
      { source: path, content: bytes },
      { source: bytes.subarray(1), content: bytes.subarray(1) },
      { source: stream, content: bytes.subarray(7) },
    ];
    for (const [index, { source, content }] of sources.entries()) {
      const client = newClient({ remoteUrl: proxy.url });
      const done: number[] = [];
      const name = `${f}${index}@5`;
      await client.putFile(name, source, { onProgress: (progress) => done.push(progress.done) });
      expect(done.at(-1)).toBe(content.length);
      expect(sha256(Buffer.from(await read(client, name)))).toBe(sha256(content));
    }
    expect(proxy.up()).toBeLessThan(bytes.length);
  });

  it('a long file that is another by then is not stored', async () => {
    const store = new RemoteDataStore({ url: server.process.url });
    onTestFinished(() => store.close());
    const path = join(directory, 'file');
    writeFileSync(path, lines(200_000));
    const { length } = lines(200_000);
    const contentOf = (size: number, digest?: Digest) => ({
      size,
      path,
      ...(digest !== undefined && { digest }),
      open: () => createReadStream(path),
    });
    const put = (content: Content) => store.put(parseFileName(f), toVersion(5), content);
    for (const size of [length - 1, length + 1]) {
      await expect(put(contentOf(size))).rejects.toMatchObject({ code: 'source_changed' });
    }
    const other = sha256(text('other')) as Digest;
    await expect(put(contentOf(length, other))).rejects.toMatchObject({ code: 'digest_mismatch' });
    expect(await store.stat(parseFileName(f))).toBeUndefined();
  });

  it('what compresses goes as zstd, but not within one machine', async () => {
    const bytes = lines(40_000);
    const proxy = await startTcpProxy(server.port);
    // On Linux this is the machine itself, and the client does not know.
    await newClient({ remoteUrl: proxy.url.replace('127.0.0.1', '0.0.0.0') }).putFile(`${f}@5`, bytes);
    expect(proxy.up()).toBeLessThan(bytes.length / 2);
    const sent = proxy.up();
    await newClient({ remoteUrl: proxy.url }).putFile(`${f}2@5`, Buffer.concat([bytes, text('x')]));
    expect(proxy.up() - sent).toBeGreaterThan(bytes.length);
    await newClient({ remoteUrl: proxy.url }).getFile(f, join(directory, 'out'));
    expect(readFileSync(join(directory, 'out')).equals(bytes)).toBe(true);
    expect(proxy.down()).toBeLessThan(bytes.length / 2);
  });

  it('no unversioned put is lost: of many at once each gets a version of its own', async () => {
    const clients = Array.from({ length: 6 }, () => newClient());
    const names = await Promise.all(
      clients.map((client, index) => client.putFile(f, text(`content ${index}`))),
    );
    expect(new Set(names).size).toBe(6);
    for (const [index, name] of names.entries()) {
      expect(await read(newClient(), name)).toBe(`content ${index}`);
    }
    expect(await newClient().fileVersion(f)).toBe(
      Math.max(...names.map((name) => Number(name.split('@')[1]))),
    );
  });
});

describe('downloads that break off', () => {
  it.each([
    ['plain', incompressible('resumed', 3_000_000)],
    ['zstd', Buffer.from(incompressible('resumed', 1_500_000).toString('hex'))],
  ])('go on where they were (%s)', async (_, bytes) => {
    const proxy = await startTcpProxy(server.port);
    const client = newClient({ remoteUrl: proxy.url });
    await newClient().putFile(`${f}@5`, bytes);
    await client.fileVersion(f);
    const before = proxy.down();
    proxy.cutAfter(60_000, 1_000_000, 500_000);
    await client.getFile(f, join(directory, 'out'));
    expect(readFileSync(join(directory, 'out')).equals(bytes)).toBe(true);
    expect(proxy.down() - before).toBeLessThan(bytes.length * 1.2);
    expect(warnings.filter((warning) => warning.includes('going on with')).length).toBeGreaterThan(1);
  });

  it('do not mix two contents', async () => {
    const proxy = await startTcpProxy(server.port);
    const client = newClient({ remoteUrl: proxy.url });
    const [old, young] = [incompressible('old', 3_000_000), incompressible('young', 3_000_000)];
    await newClient().putFile(`${f}@5`, old);
    await client.fileVersion(f);
    proxy.cutAfter(1_000_000);
    const { stream } = await client.getStream(f);
    stream.pause();
    await newClient().putFile(`${f}@7`, young);
    await expect(stream.toArray()).rejects.toMatchObject({ name: 'ContentError', code: 'replaced' });
    proxy.cutAfter(1_000_000);
    await client.getFile(f, join(directory, 'out'));
    expect(readFileSync(join(directory, 'out')).equals(young)).toBe(true);
  });
});

it('a listing that breaks off goes on behind the last name, with version, size and digest of each file', async () => {
  const count = 600;
  const names = Array.from({ length: count }, (_, index) => `${f}/${String(index).padStart(5, '0')}`);
  const client = newClient();
  for (let at = 0; at < count; at += 100) {
    await Promise.all(names.slice(at, at + 100).map((name) => client.putFile(`${name}@5`, text('x'))));
  }
  const proxy = await startTcpProxy(server.port);
  const cut = newClient({ remoteUrl: proxy.url });
  await cut.fileVersion(names[0] ?? '');
  proxy.cutAfter(20_000, 30_000);
  const files = await collect(cut.listFiles({ directory: f }));
  expect(files.map(({ name }) => `/${name}`)).toEqual(names);
  expect(files[0]?.stat).toMatchObject({ version: 5, size: 1, digest: sha256(text('x')) });
  expect(warnings.join()).toContain('going on with the listing');
});

describe('history', () => {
  it('reads, lists and restores what the server keeps', async () => {
    const client = newClient({ localStore: 'auto', cacheDir: join(directory, 'cache') });
    await client.putFile(`${f}@5`, text('five'));
    await client.putFile(`${f}@7`, text('seven'));
    expect(await read(client, `${f}@5`)).toBe('five');
    expect(await client.getFile(`${f}@5`, join(directory, 'old'))).toBe(`${f}@5`);
    // The old version does not push the newer one out of the cache.
    requests.length = 0;
    expect(await read(client, `${f}@7`)).toBe('seven');
    expect(requests).toEqual([]);
    await expect(client.getFile(`${f}@6`, join(directory, 'no'))).rejects.toThrow(VersionMismatchError);
    await expect(client.getFile(`${f}@6`, join(directory, 'no'))).rejects.toThrow(/has version 7, not 6/);

    await client.deleteFile(f);
    const versions = await collect(client.listVersions(f));
    expect(versions.map(({ kind, version }) => [kind, version]).slice(-2)).toEqual([
      ['stored', 7],
      ['stored', 5],
    ]);
    expect(versions[0]?.kind).toBe('deleted');
    await expect(client.fileVersion(f)).rejects.toThrow(FileNotFoundError);

    requests.length = 0;
    const restored = await client.restore(`${f}@5`);
    expect(requests.filter((request) => request.startsWith('GET'))).toEqual([]);
    expect(await read(client, restored)).toBe('five');
    expect(await client.fileVersion(f)).toBe(Number(restored.split('@')[1]));
    await expect(collect(client.listVersions(`${f}/nothing`))).rejects.toThrow(FileNotFoundError);
  });

  it('shows the files as they were', async () => {
    const client = newClient();
    await client.putFile(`${f}/a`, text('x'));
    const past = new Date(Date.now() + 1000);
    expect(await collect(client.listRemoteFiles({ directory: f, asOf: past }))).toEqual(['a']);
    await expect(collect(client.listRemoteFiles({ directory: f, asOf: 1_000_000 }))).rejects.toThrow();
  });
});

describe('a server of protocol 2', () => {
  /** Our server, which says that it speaks protocol 2 only. */
  const older = () =>
    startTcpProxy(server.port, (chunk) =>
      Buffer.from(
        chunk.toString('latin1').replace('{"protocol_versions":[2,3]}', '{"protocol_versions":[2]  }'),
        'latin1',
      ),
    );

  it('is asked for nothing that it does not know', async () => {
    const client = newClient({ remoteUrl: (await older()).url });
    const bytes = incompressible(f, 1_000_000);
    await client.putFile(`${f}@5`, bytes);
    await client.putFile(`${f}@7`, bytes);
    expect(requests).toEqual(['GET /version/ 200', `PUT /files${f} 200`, `PUT /files${f} 200`]);
    await expect(client.stat(`${f}@5`)).rejects.toThrow(VersionMismatchError);
    expect((await collect(client.listVersions(f))).map(({ version }) => version)).toEqual([7]);
    await expect(collect(client.listFiles({ asOf: 5 }))).rejects.toThrow(UnsupportedError);
    const children = await collect(client.listDirectory({ directory: f.replace(/\/f$/, '') }));
    expect(children).toEqual([{ kind: 'file', name: f.slice(1) }]);
  });

  dataStoreConformance('RemoteDataStore in protocol 2', async () => {
    const store = new RemoteDataStore({ url: (await older()).url });
    return { store, end: () => emptied(store) };
  });
});
