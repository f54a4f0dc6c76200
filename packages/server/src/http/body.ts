import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createGunzip } from 'node:zlib';
import { decodeZstd } from '@filetracker/durable-fs';
import { ProtocolError } from '@filetracker/protocol';
import { type PackedFrame, packedFrames } from '../codec/packed-frames.js';

/**
 * The plain content of an upload, decoded as it arrives. Abandoning it leaves the connection open, so that an
 * error can still be answered. Throws `ProtocolError` `unsupported_encoding`, and `invalid_content` when the
 * body is damaged or cut.
 */
export function plainContent(request: IncomingMessage): AsyncIterable<Uint8Array> {
  return decoded(request, decodeZstd);
}

/** The same, but for what comes as the store keeps it: zstd frames that need not be compressed again stay as they are. */
export function uploadedContent(request: IncomingMessage): AsyncIterable<Uint8Array | PackedFrame> {
  return decoded(request, packedFrames);
}

function decoded<T>(
  request: IncomingMessage,
  readZstd: (body: AsyncIterable<Uint8Array>) => AsyncIterable<T>,
): AsyncIterable<T | Uint8Array> {
  const body = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  switch (encoding) {
    case '':
    case 'identity':
      return guarded(body, 'the body is cut');
    case 'gzip':
    case 'x-gzip':
      return guarded(decodeGzip(body), 'the body is not valid gzip or is cut');
    case 'zstd':
      return guarded(readZstd(body), 'the body is not valid zstd or is cut');
    default:
      throw new ProtocolError('unsupported_encoding', 'Content-Encoding must be gzip, zstd or identity');
  }
}

/** A content whose source says in its own way that it is damaged; here that is `invalid_content` with `problem`. */
export async function* guarded<T>(content: AsyncIterable<T>, problem: string): AsyncGenerator<T> {
  try {
    yield* content;
  } catch {
    throw new ProtocolError('invalid_content', problem);
  }
}

async function* decodeGzip(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip();
  const abandoned = new AbortController();
  // The writer runs beside the reader below. What goes wrong in it shows as an error of the stream.
  const feed = async () => {
    for await (const chunk of body) {
      if (!gunzip.write(chunk)) await once(gunzip, 'drain', { signal: abandoned.signal });
    }
    gunzip.end();
  };
  feed().catch((error: Error) => gunzip.destroy(error));
  try {
    yield* gunzip as AsyncIterable<Uint8Array>;
  } finally {
    // Or the writer would hold on to a body that others must read to its end.
    abandoned.abort();
  }
}
