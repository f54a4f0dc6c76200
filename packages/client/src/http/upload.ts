import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { CHECKSUM_HEADER, LOGICAL_SIZE_HEADER } from '@filetracker/protocol';
import type { Content, PutOptions } from '../data-store.js';
import { ContentError } from '../errors.js';
import { markSourceFailures, readAll, SourceFailure, watched } from '../transfer.js';

const compress = promisify(gzip);

/**
 * Content up to this size is compressed, in memory: Python servers need a Content-Length, so the compressed size
 * must be known first. Larger content goes plain, since compressing it (about 100 MB/s) takes longer than a
 * local network. In bytes.
 */
const MAX_COMPRESSED = 4 * 1024 * 1024;

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
export async function encodeUpload(content: Content, options: PutOptions): Promise<Upload> {
  const headers = {
    [LOGICAL_SIZE_HEADER]: String(content.size),
    ...(content.digest !== undefined && { [CHECKSUM_HEADER]: content.digest }),
    'Content-Type': 'application/octet-stream',
  };
  const plain = { ...headers, 'Content-Length': String(content.size) };
  const tryCompression =
    options.compress !== false && content.size >= MIN_COMPRESSED && content.size <= MAX_COMPRESSED;
  if (tryCompression) {
    const bytes = await readAll(content);
    const packed = await compress(bytes);
    if (packed.byteLength <= bytes.byteLength * WORTHWHILE) {
      const length = String(packed.byteLength);
      return { headers: { ...headers, 'Content-Encoding': 'gzip', 'Content-Length': length }, body: packed };
    }
  }
  // An empty body is given as a buffer: undici would send an empty stream without its length.
  if (content.size === 0) return { headers: plain, body: Buffer.alloc(0) };
  return { headers: plain, body: plainUpload(content, options) };
}

/** The content, exactly as long as announced: a file that grows or shrinks meanwhile ends the upload. */
async function* plainUpload(content: Content, options: PutOptions): AsyncGenerator<Uint8Array> {
  let sent = 0;
  const changed = () =>
    new SourceFailure(new ContentError('the content changed while it was uploaded', 'source_changed'));
  for await (const chunk of markSourceFailures(() => watched(content.open(), content.size, options))) {
    sent += chunk.byteLength;
    if (sent > content.size) throw changed();
    yield chunk;
  }
  if (sent < content.size) throw changed();
}
