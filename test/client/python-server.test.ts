import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileTrackerClient } from '@filetracker/client';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { collect } from '../support/collect.js';
import { type PythonLikeServer, startPythonLikeServer } from '../support/python-server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

let server: PythonLikeServer;
beforeEach(async () => {
  server = await startPythonLikeServer();
});
afterEach(() => server.close());

it.each([
  ['empty', Buffer.alloc(0), undefined],
  ['compressible', Buffer.alloc(100_000, 'filetracker '), 'gzip'],
  ['incompressible', randomBytes(100_000), undefined],
  ['long', Buffer.alloc(9_000_000, 'filetracker '), undefined],
] as const)('puts %s content with a Content-Length and gets it back', async (_, bytes, encoding) => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, 'in'), bytes);
  const client = new FileTrackerClient({ remoteUrl: server.url, cacheDir: join(directory, 'cache') });
  const name = await client.putFile('/a', join(directory, 'in'));
  expect(server.puts[0]).toMatchObject({ 'logical-size': String(bytes.byteLength) });
  expect(server.puts[0]?.['content-encoding']).toBe(encoding);
  expect(server.puts[0]?.['transfer-encoding']).toBeUndefined();
  expect(await client.getFile(name, join(directory, 'out'), { forceRefresh: true })).toBe(name);
  expect(readFileSync(join(directory, 'out')).equals(bytes)).toBe(true);
  expect(await client.fileSize('/a')).toBe(bytes.byteLength);
  await client.close();
});

it('an unversioned get downloads again, as no digest says that the cached file is right', async () => {
  const directory = temporaryDirectory();
  const client = new FileTrackerClient({ remoteUrl: server.url, cacheDir: join(directory, 'cache') });
  const other = new FileTrackerClient({ remoteUrl: server.url, localStore: 'none' });
  await client.putFile('/a@5', Buffer.from('one'));
  await other.putFile('/a@5', Buffer.from('two'));
  await client.getFile('/a', join(directory, 'out'));
  expect(readFileSync(join(directory, 'out'), 'utf8')).toBe('two');
  await Promise.all([client.close(), other.close()]);
});

it('leaves compression to the server when asked to', async () => {
  const client = new FileTrackerClient({ remoteUrl: server.url, localStore: 'none' });
  await client.putFile('/a', Buffer.alloc(10_000), { compress: false });
  expect(server.puts[0]).toMatchObject({ 'content-length': '10000' });
  expect(server.puts[0]?.['content-encoding']).toBeUndefined();
  await client.deleteFile('/a');
  await expect(client.fileVersion('/a')).rejects.toThrow('/a does not exist');
  await client.close();
});

it('lists what an older server has, which fails at every cutoff', async () => {
  const old = await startPythonLikeServer({ cutoffs: false });
  const client = new FileTrackerClient({ remoteUrl: old.url, localStore: 'none' });
  await client.putFile('/a@5', Buffer.from('a'));
  expect(await collect(client.listRemoteFiles())).toEqual(['a']);
  await expect(collect(client.listRemoteFiles({ cutoff: 9 }))).rejects.toThrow(/HTTP\/500/);
  await client.close();
  await old.close();
});

it('reads the names beyond ASCII that the server mangles in listings', async () => {
  const client = new FileTrackerClient({ remoteUrl: server.url, localStore: 'none' });
  const names = ['/ascii %41', '/zażółć/gęślą', '/日本/😀'];
  for (const name of names) await client.putFile(`${name}@5`, Buffer.from('x'));
  expect(await collect(client.listRemoteFiles({ absolutePaths: true }))).toEqual(names);
  await client.close();
});
