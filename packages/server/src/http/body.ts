import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { finished } from 'node:stream/promises';
import { setTimeout } from 'node:timers/promises';
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
  // The writer runs beside the reader below. What goes wrong in it shows as an error of the stream.
  const feed = async () => {
    for await (const chunk of body) {
      if (!gunzip.write(chunk)) await once(gunzip, 'drain');
    }
    gunzip.end();
  };
  feed().catch((error: Error) => gunzip.destroy(error));
  yield* gunzip as AsyncIterable<Uint8Array>;
}

/** How much of a refused body is still read, so that clients that do not listen while they send get the answer. */
const MAX_DRAINED_BYTES = 64 * 1024 * 1024;

/**
 * Reads what is left of a body that nobody wants, up to a bound; beyond it the connection is cut. Resolves when
 * nothing more comes or the bound is reached.
 */
async function discardRest(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return;
  let drained = 0;
  const enough = new AbortController();
  request.on('data', (chunk: Uint8Array) => {
    drained += chunk.byteLength;
    if (drained > MAX_DRAINED_BYTES) enough.abort();
  });
  try {
    await finished(request, { writable: false, signal: enough.signal });
  } catch {
    // Cut by the client, or too long: either way nobody wants the rest.
  }
  // After the answer, which is sent in this turn, has had its chance.
  if (enough.signal.aborted) setImmediate(() => request.destroy());
}

/** How long the answer to a refused upload waits for the rest of the body, in milliseconds. */
const MAX_ANSWER_DELAY = 1000;

/** Deals with the body of a request that is refused. Resolves when the answer may be sent. */
export async function refuseBody(request: IncomingMessage): Promise<void> {
  const discarded = discardRest(request);
  // Closing behind the answer while the body still comes would reset the connection, and the answer with it.
  if (request.headers.connection?.toLowerCase() === 'close') {
    await Promise.race([discarded, setTimeout(MAX_ANSWER_DELAY, undefined, { ref: false })]);
  }
}
