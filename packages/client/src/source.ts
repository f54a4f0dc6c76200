import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ContentHash, hashing } from '@filetracker/durable-fs';
import { orAborted } from './abort.js';
import type { Content, DataStore, FileStat } from './data-store.js';

/** What can be put: the path of a file, bytes, or a stream that is read once. */
export type Source = string | Uint8Array | AsyncIterable<Uint8Array>;

/** Content that may occupy a temporary file until it is disposed of. */
export interface PreparedContent extends Content {
  dispose(): Promise<void>;
}

/** Streams up to this size are kept in memory, longer ones go to a temporary file. In bytes. */
const SPOOL_IN_MEMORY = 1024 * 1024;

const READ_SIZE = 256 * 1024;

/**
 * Makes a source into content of known size and digest that can be read again. Both must be known before an
 * upload begins, as they travel in its headers; so a stream is first read to its end.
 */
export async function prepareContent(source: Source, signal?: AbortSignal): Promise<PreparedContent> {
  if (source instanceof Uint8Array) return bytesContent(source);
  if (typeof source !== 'string') return spool(source, signal);
  // A pipe or a terminal cannot be read twice either.
  if (!(await stat(source)).isFile()) return spool(createReadStream(source), signal);
  return fileContent(source, async () => {}, signal);
}

/** The content of a stored file. */
export function storedContent(
  store: DataStore,
  { name, version, size, digest }: FileStat,
  signal: AbortSignal | undefined,
): Content {
  return {
    size,
    ...(digest !== undefined && { digest }),
    open: async function* () {
      yield* (await store.open(name, { version, signal })).stream as AsyncIterable<Uint8Array>;
    },
  };
}

function bytesContent(bytes: Uint8Array): PreparedContent {
  const hash = new ContentHash();
  hash.update(bytes);
  return {
    size: bytes.byteLength,
    digest: hash.digest(),
    open: async function* () {
      if (bytes.byteLength > 0) yield bytes;
    },
    dispose: async () => {},
  };
}

/** Hashes a file now; a change of it before it is stored is then noticed by whoever stores it. */
async function fileContent(
  path: string,
  dispose: () => Promise<void>,
  signal?: AbortSignal,
): Promise<PreparedContent> {
  const hash = new ContentHash();
  const read = () => createReadStream(path, { highWaterMark: READ_SIZE, ...(signal && { signal }) });
  for await (const chunk of read() as AsyncIterable<Uint8Array>) hash.update(chunk);
  return { size: hash.size, digest: hash.digest(), path, open: read, dispose };
}

async function spool(source: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<PreparedContent> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const iterator = abortable(source, signal)[Symbol.asyncIterator]();
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
    chunks.push(next.value);
    size += next.value.byteLength;
    if (size > SPOOL_IN_MEMORY) return spoolToFile(joined(chunks, iterator));
  }
  return bytesContent(Buffer.concat(chunks));
}

async function spoolToFile(source: AsyncIterable<Uint8Array>): Promise<PreparedContent> {
  const directory = await mkdtemp(join(tmpdir(), 'filetracker-'));
  const dispose = () => rm(directory, { recursive: true, force: true });
  const path = join(directory, 'content');
  const hash = new ContentHash();
  try {
    const handle = await open(path, 'wx', 0o600);
    try {
      await writeFile(handle, hashing(source, hash));
    } finally {
      await handle.close();
    }
  } catch (error) {
    await dispose();
    throw error;
  }
  const read = () => createReadStream(path, { highWaterMark: READ_SIZE });
  return { size: hash.size, digest: hash.digest(), path, open: read, dispose };
}

async function* joined(
  first: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* first;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

/** Ends a source that may never yield again, such as a terminal, as soon as the signal is aborted. */
async function* abortable(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  for (;;) {
    const next = await orAborted(iterator.next(), signal);
    if (next.done) return;
    yield next.value;
  }
}
