import { promisify } from 'node:util';
import { gzip, type ZlibOptions } from 'node:zlib';
import { encodeZstd } from '@filetracker/durable-fs';
import { COMPRESSION_LEVEL, FRAME_BYTES } from '@filetracker/durable-fs/zstd-frame';
import { CHECKSUM_HEADER, LOGICAL_SIZE_HEADER } from '@filetracker/protocol';
import type { Content, PutOptions } from '../data-store.js';
import { markSourceFailures, readAll, SourceFailure, sourceChanged, watched } from '../transfer.js';
import { packedUpload } from './packed-upload.js';
import type { AgreedServer } from './server-session.js';

const compress = promisify<Buffer, ZlibOptions, Buffer>(gzip);

/**
 * Content up to this size is sent as gzip, made in memory: Python servers need a Content-Length, so the compressed size
 * must be known first. Larger content goes plain: gzip makes about 200 MB/s at its fastest, which is slower than
 * many networks, and the server compresses in its own way what it stores. In bytes.
 */
const MAX_COMPRESSED = 4 * 1024 * 1024;

/** The beginning of content tells whether compressing the rest, at 55 MB/s if in vain, is worth trying. In bytes. */
const SAMPLE = 32 * 1024;

/** Content below this size is sent plain: it fits into one packet either way. In bytes. */
const MIN_COMPRESSED = 1024;

/** Compressed content must be at most this share of the plain to be worth the server's unpacking. */
const WORTHWHILE = 0.9;

/** The body of an upload and the headers that describe it. */
export interface Upload {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | AsyncIterable<Uint8Array>;
}

/** Prepares content for its way to a server. Called again for every attempt. */
export async function encodeUpload(
  content: Content,
  options: PutOptions,
  server: AgreedServer,
): Promise<Upload> {
  const headers = {
    [LOGICAL_SIZE_HEADER]: String(content.size),
    ...(content.digest !== undefined && { [CHECKSUM_HEADER]: content.digest }),
    'Content-Type': 'application/octet-stream',
  };
  const plain = { ...headers, 'Content-Length': String(content.size) };
  const mayPack = options.compress !== false && content.size >= MIN_COMPRESSED;
  if (server.protocol >= 3) {
    // What is long is compressed in any case, here or by the server that stores it.
    const isLong = options.compress !== false && content.size > FRAME_BYTES;
    if (isLong || (mayPack && !server.isLocal && (await packsWell(content)))) {
      const body = isLong
        ? packedUpload(content, options, server.packer)
        : encodeZstd(plainUpload(content, options), COMPRESSION_LEVEL);
      return { headers: { ...headers, 'Content-Encoding': 'zstd' }, body };
    }
  } else if (mayPack && content.size <= MAX_COMPRESSED) {
    const body = await packed(await readAll(content));
    if (body) {
      const encoding = { 'Content-Encoding': 'gzip', 'Content-Length': String(body.byteLength) };
      return { headers: { ...headers, ...encoding }, body };
    }
  }
  // An empty body is given as a buffer: undici would send an empty stream without its length.
  if (content.size === 0) return { headers: plain, body: Buffer.alloc(0) };
  return { headers: plain, body: plainUpload(content, options) };
}

/** Whether the beginning of content says that compressing is worth it. */
async function packsWell(content: Content): Promise<boolean> {
  const sample = await beginning(content, SAMPLE);
  return (await packedSize(sample)) <= sample.byteLength * WORTHWHILE;
}

async function beginning(content: Content, length: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of content.open()) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size >= length) break;
  }
  return Buffer.concat(chunks).subarray(0, length);
}

async function packedSize(bytes: Uint8Array): Promise<number> {
  let size = 0;
  for await (const chunk of encodeZstd([bytes], COMPRESSION_LEVEL)) size += chunk.byteLength;
  return size;
}

/** Bytes as zstd, or undefined where that saves too little. */
export async function zstdIfWorthwhile(bytes: Buffer): Promise<Buffer | undefined> {
  if ((await packedSize(bytes.subarray(0, SAMPLE))) > Math.min(SAMPLE, bytes.byteLength) * WORTHWHILE)
    return undefined;
  const packed: Uint8Array[] = [];
  for await (const chunk of encodeZstd([bytes], COMPRESSION_LEVEL)) packed.push(chunk);
  return Buffer.concat(packed);
}

/** Bytes as gzip, or undefined where that saves too little. */
async function packed(bytes: Buffer): Promise<Buffer | undefined> {
  const sample = bytes.subarray(0, SAMPLE);
  if ((await compress(sample, { level: 1 })).byteLength > sample.byteLength * WORTHWHILE) return undefined;
  const all = await compress(bytes, { level: 1 });
  return all.byteLength > bytes.byteLength * WORTHWHILE ? undefined : all;
}

/** The content, exactly as long as announced: a file that grows or shrinks meanwhile ends the upload. */
async function* plainUpload(content: Content, options: PutOptions): AsyncGenerator<Uint8Array> {
  let sent = 0;
  for await (const chunk of markSourceFailures(() => watched(content.open(), content.size, options))) {
    sent += chunk.byteLength;
    if (sent > content.size) throw new SourceFailure(sourceChanged());
    yield chunk;
  }
  if (sent < content.size) throw new SourceFailure(sourceChanged());
}
