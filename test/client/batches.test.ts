import type { Socket } from 'node:net';
import { type BatchedFile, type Content, RemoteDataStore, type RequestEvent } from '@filetracker/client';
import { parseFileName, toVersion } from '@filetracker/protocol';
import { expect, it, onTestFinished } from 'vitest';
import { collect } from '../support/collect.js';
import { incompressible, sha256 } from '../support/contents.js';
import { startPythonLikeServer } from '../support/python-server.js';
import { rawRequest } from '../support/raw-http.js';
import { reply, startScriptedServer } from '../support/scripted-server.js';
import { startForTest } from '../support/server-command.js';
import { suiteServer } from '../support/suite-server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const server = suiteServer();

function contentOf(bytes: Buffer): Content {
  const digest = sha256(bytes) as Content['digest'] & string;
  return {
    size: bytes.byteLength,
    digest,
    open: async function* () {
      yield bytes;
    },
  };
}

function file(name: string, content: string | Buffer, rest: Partial<BatchedFile> = {}): BatchedFile {
  const bytes = Buffer.from(content);
  return { name: parseFileName(name), version: toVersion(1000), content: contentOf(bytes), ...rest };
}

/** A store over a server, and the requests that it has sent. */
function open(url: string) {
  const requests: string[] = [];
  const onRequest = ({ method, status, url: asked }: RequestEvent) =>
    requests.push(`${method} ${new URL(asked).pathname} ${status}`);
  const store = new RemoteDataStore({ url, onRequest, retries: 1 });
  onTestFinished(() => store.close());
  return { store, requests };
}

it('puts many files in few requests, in the order of its answers', async () => {
  const { store, requests } = open(server.process.url);
  const files = Array.from({ length: 2500 }, (_, index) => file(`many/${index}`, `content ${index}`));
  expect(await store.putBatch(files)).toEqual(files.map(({ version }) => version));
  expect(requests).toEqual(['GET /version/ 200', ...Array.from({ length: 3 }, () => 'POST /batch 200')]);
  const listed = await collect(store.list(parseFileName('many')));
  expect(new Map(listed.map(({ name, stat }) => [name, stat?.digest]))).toEqual(
    new Map(files.map(({ name, content }) => [name, content.digest])),
  );
});

it('says of each file what put would say, and puts a large one by itself', async () => {
  const { store, requests } = open(server.process.url);
  await store.put(parseFileName('mixed/newer'), toVersion(2000), contentOf(Buffer.from('new')));
  const torn: Content = { ...contentOf(Buffer.from('abc')), size: 4 };
  const gone: Content = {
    ...contentOf(Buffer.from('abc')),
    open: () => {
      throw new Error('it is gone');
    },
  };
  const wrong: Content = {
    ...contentOf(Buffer.from('abc')),
    digest: contentOf(Buffer.from('abd')).digest ?? never(),
  };
  const outcomes = await store.putBatch([
    file('mixed/newer', 'old'),
    file('mixed', 'a directory'),
    file('mixed/torn', '', { content: torn }),
    file('mixed/gone', '', { content: gone }),
    file('mixed/wrong', '', { content: wrong }),
    file('mixed/large', incompressible('large', 500_000)),
    file('mixed/fine', 'x'),
  ]);
  expect(outcomes).toEqual([
    2000,
    expect.objectContaining({ code: 'name_conflict', fileName: 'mixed' }),
    expect.objectContaining({ code: 'source_changed' }),
    expect.objectContaining({ message: 'it is gone' }),
    expect.objectContaining({ code: 'digest_mismatch' }),
    1000,
    1000,
  ]);
  expect(requests.filter((request) => request.startsWith('POST'))).toEqual(['POST /batch 200']);
});

function never(): never {
  throw new Error('every content has a digest');
}

it('sends a digest in the place of a content that is probably there, and the content where it is not', async () => {
  const { store, requests } = open(server.process.url);
  await store.putBatch([file('known/a', 'known content')]);
  const read: string[] = [];
  const watched = (name: string, text: string): BatchedFile => {
    const plain = file(name, text, { likelyStored: true });
    const content = {
      ...plain.content,
      open: () => {
        read.push(name);
        return plain.content.open();
      },
    };
    return { ...plain, content };
  };
  const files = [watched('known/b', 'known content'), watched('known/c', 'not known')];
  expect(await store.putBatch(files)).toEqual([1000, 1000]);
  expect(read).toEqual(['known/c']);
  expect(requests.filter((request) => request.startsWith('POST'))).toHaveLength(3);
});

it('puts one by one to servers of protocol 2', async () => {
  const python = await startPythonLikeServer();
  onTestFinished(() => python.close());
  const { store } = open(python.url);
  expect(await store.putBatch([file('a', 'x'), file('b', 'y', { likelyStored: true })])).toEqual([
    1000, 1000,
  ]);
  expect([...python.files.keys()].sort()).toEqual(['a', 'b']);
});

it('puts one by one, from then on, where batches are not taken', async () => {
  const putReply = reply('', { headers: { 'Last-Modified': 'Thu, 01 Jan 1970 00:16:40 -0000' } });
  const script = (socket: Socket, attempt: number) =>
    socket.write(attempt === 0 ? reply('unknown endpoint', { status: '400 Bad Request' }) : putReply);
  const scripted = await startScriptedServer(script);
  onTestFinished(() => scripted.close());
  const { store } = open(scripted.url);
  expect(await store.putBatch([file('a', 'x')])).toEqual([1000]);
  expect(await store.putBatch([file('b', 'x')])).toEqual([1000]);
  expect(scripted.requests.map((line) => line.replace(/\?.*/, ''))).toEqual([
    'POST /batch HTTP/1.1',
    'PUT /files/a',
    'PUT /files/b',
  ]);
});

it('tries a file again by itself that was refused for the moment', async () => {
  const answer = reply('{"code":"unavailable","message":"not now"}\n{"version":1000,"digest":"x"}\n');
  const putReply = reply('', { headers: { 'Last-Modified': 'Thu, 01 Jan 1970 00:16:41 -0000' } });
  const scripted = await startScriptedServer((socket, attempt) =>
    socket.write(attempt === 0 ? answer : putReply),
  );
  onTestFinished(() => scripted.close());
  const { store } = open(scripted.url);
  expect(await store.putBatch([file('a', 'x'), file('b', 'x')])).toEqual([1001, 1000]);
});

it('compresses on the way to other machines', async () => {
  const { port } = await startForTest(temporaryDirectory(), '-l', '0.0.0.0');
  // Any name but those of the machine itself will do.
  const { store } = open(`http://[::ffff:127.0.0.1]:${port}`);
  const files = Array.from({ length: 100 }, (_, index) => file(`packed/${index}`, String(index).repeat(500)));
  expect(await store.putBatch(files)).toEqual(files.map(() => 1000));
  const { body } = await rawRequest(port, { method: 'GET', target: '/metrics' });
  const received = /^filetracker_received_bytes_total (\d+)$/m.exec(body.toString())?.[1];
  expect(Number(received)).toBeGreaterThan(1000);
  expect(Number(received)).toBeLessThan(25_000);
});
