import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { parseFileName } from '@filetracker/protocol';
import { expect, it, onTestFinished } from 'vitest';
import { FallbackImport } from '#server/fallback/fallback-import.js';
import { FallbackServer } from '#server/fallback/fallback-server.js';
import { openStore } from '#server/store/open-store.js';
import { incompressible } from '../support/contents.js';
import { reply, startScriptedServer } from '../support/scripted-server.js';
import { blobFiles, stagedFiles } from '../support/store-files.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const NAME = parseFileName('a');
const CONTENT = incompressible('content', 100_000);

/** A server to fall back to that answers when the test says so: `asked` resolves with who asks next. */
async function fallback(): Promise<{ readonly url: string; readonly asked: () => Promise<ServerResponse> }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const asked = async () => ((await once(server, 'request')) as [unknown, ServerResponse])[1];
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** As a process of a server does: those of one directory have it in common. */
async function openImport(directory: string, url: string): Promise<FallbackImport> {
  const opened = await openStore({
    directory,
    compressionLevel: 1,
    durable: true,
    maxFileSize: 2 ** 30,
    keepTombstones: true,
    onBackgroundError: (error) => expect(error).toBeUndefined(),
  });
  onTestFinished(() => opened.close());
  return new FallbackImport(new FallbackServer(url, 0), opened.store, { info: () => undefined });
}

const send = (response: ServerResponse) =>
  response.writeHead(200, { 'Last-Modified': 'Tue, 14 Nov 2023 22:13:20 GMT' }).end(CONTENT);

it('an import that fails is that of all who wait for it, and the next who asks begins anew', async () => {
  const directory = temporaryDirectory();
  const { url, asked } = await fallback();
  const imports = await openImport(directory, url);
  const first = asked();
  const waiting = [imports.import(NAME), imports.import(NAME)];
  const failing = await first;
  waiting.push(imports.import(NAME));
  const told = Promise.allSettled(waiting);
  // It is tried twice.
  const again = asked();
  failing.writeHead(500).end();
  const failingAgain = await again;
  waiting.push(imports.import(NAME));
  failingAgain.writeHead(500).end();
  for (const result of [...(await told), ...(await Promise.allSettled(waiting))]) {
    expect(result).toMatchObject({ status: 'rejected', reason: { code: 'fallback_failed' } });
  }

  const anew = asked();
  const next = imports.import(NAME);
  send(await anew);
  expect(await next).toBe(true);
  expect(stagedFiles(directory)).toEqual([]);
});

it('two processes that import the same file at once store it once', async () => {
  const directory = temporaryDirectory();
  const { url, asked } = await fallback();
  const processes = [await openImport(directory, url), await openImport(directory, url)];
  const underWay: Promise<boolean>[] = [];
  const responses: ServerResponse[] = [];
  for (const imports of processes) {
    const request = asked();
    underWay.push(imports.import(NAME));
    responses.push(await request);
  }
  for (const response of responses) send(response);
  expect(await Promise.all(underWay)).toEqual([true, true]);
  expect(blobFiles(directory)).toHaveLength(1);
  expect(stagedFiles(directory)).toEqual([]);
});

it('asks again when the other server closes an idle connection as the next request goes out', async () => {
  const headers = { 'Last-Modified': 'Tue, 14 Nov 2023 22:13:20 -0000' };
  const server = await startScriptedServer((socket, attempt) =>
    attempt === 1 ? socket.destroy() : socket.write(reply(CONTENT, { headers })),
  );
  onTestFinished(() => server.close());
  const imports = await openImport(temporaryDirectory(), server.url);
  for (const name of ['a', 'b']) expect(await imports.import(parseFileName(name))).toBe(true);
  expect(server.requests.map((line) => line.split(' ')[1])).toEqual(['/files/a', '/files/b', '/files/b']);
});

it('undoes an encoding of the other server, and stores nothing of one that is cut', async () => {
  const directory = temporaryDirectory();
  const { url, asked } = await fallback();
  const imports = await openImport(directory, url);
  const gzip = gzipSync(CONTENT);
  const answer = async (body: Buffer) => {
    const response = await asked();
    const headers = { 'Last-Modified': 'Tue, 14 Nov 2023 22:13:20 GMT', 'Content-Encoding': 'gzip' };
    response.writeHead(200, headers).end(body);
  };
  const cut = gzip.subarray(0, -20);
  const answering = answer(cut).then(() => answer(cut));
  const failing = imports.import(NAME);
  await expect(failing).rejects.toMatchObject({ code: 'fallback_failed' });
  await answering;
  expect(stagedFiles(directory)).toEqual([]);

  const [, isStored] = await Promise.all([answer(gzip), imports.import(NAME)]);
  expect(isStored).toBe(true);
  expect(blobFiles(directory)).toHaveLength(1);
});
