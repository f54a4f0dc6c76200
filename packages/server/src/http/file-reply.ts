import type { IncomingMessage, ServerResponse } from 'node:http';
import { CHECKSUM_HEADER, formatDate, LOGICAL_SIZE_HEADER, PROTOCOL_HEADER } from '@filetracker/protocol';
import type { FastifyBaseLogger } from 'fastify';
import type { ContentStream, OpenFile } from '../store/file-store.js';
import { entityTag } from './entity-tags.js';
import { OPT_IN, optsIn } from './negotiation.js';
import type { ReplyPlan } from './read-plan.js';

/**
 * Answers with a file: its headers, and of its content what was opened. Written past Fastify's reply, whose
 * header map and hooks take a quarter of the time of a small GET. When a stream breaks in the middle the
 * connection is cut, so that the client sees a short body and not a complete wrong one.
 */
export function sendFile(
  request: IncomingMessage,
  raw: ServerResponse,
  { file, plan, content }: OpenFile<ReplyPlan>,
  log: FastifyBaseLogger,
): void {
  const headers = describe(file, plan);
  if (optsIn(request.headers)) headers.push(PROTOCOL_HEADER, OPT_IN, 'Vary', VARY);
  raw.writeHead(plan.status, headers);
  if (plan.view === 'none') raw.end();
  else if (content instanceof Uint8Array) sendTogether(raw, content);
  else {
    sendChunks(raw, content).catch((err: NodeJS.ErrnoException) => {
      raw.destroy();
      if (!(err instanceof Disconnected)) log.error({ err, name: file.name }, 'a download was cut');
    });
  }
}

/** What decides whether a content goes out as zstd. */
const VARY = `Accept-Encoding, ${PROTOCOL_HEADER}`;

/** The headers of a file, names and values in turn. */
function describe(file: OpenFile<ReplyPlan>['file'], { status, zstd, range }: ReplyPlan): string[] {
  const { size, zstdSize = size } = file;
  const tag = entityTag(file.digest);
  const headers = [
    'Last-Modified',
    formatDate(file.version),
    LOGICAL_SIZE_HEADER,
    String(size),
    CHECKSUM_HEADER,
    file.digest,
    'ETag',
    // The same content in another coding: a strong tag would let caches put pieces of both together (RFC 9110 §8.8.1).
    zstd ? `W/${tag}` : tag,
    'Accept-Ranges',
    'bytes',
    // Or caches would reckon from the age of the file that it stays as it is for long (RFC 9111 §4.2.2).
    'Cache-Control',
    'no-cache',
  ];
  if (status === 304) return headers;
  const length = range ? range.end - range.start : zstd ? zstdSize : size;
  headers.push('Content-Type', 'application/octet-stream', 'Content-Length', String(length));
  if (zstd) headers.push('Content-Encoding', 'zstd');
  if (range) headers.push('Content-Range', `bytes ${range.start}-${range.end - 1}/${size}`);
  return headers;
}

async function sendChunks(raw: ServerResponse, content: ContentStream): Promise<void> {
  try {
    for await (const chunk of content) await write(raw, chunk);
    raw.end();
  } finally {
    await content.close();
  }
}

/** Whoever was to receive a file went away, which is no fault. */
class Disconnected extends Error {}

/** Writes a chunk and waits until its memory is free again. */
function write(raw: ServerResponse, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const onClose = () => reject(new Disconnected());
    if (raw.destroyed) {
      onClose();
      return;
    }
    raw.once('close', onClose);
    raw.write(chunk, (error) => {
      raw.off('close', onClose);
      if (error) onClose();
      else resolve();
    });
  });
}

/**
 * Sends a small content at the end of this turn of the event loop, next to all others of the turn. One write
 * after the other finds the receiver awake; with other work in between each has to wake it, at 15 µs instead of
 * 5. Measured: 24,000 GETs of 4 KiB a second without, 38,000 with it. A server with nothing else to do loses
 * nothing, since its turn ends here.
 */
function sendTogether(raw: ServerResponse, content: Uint8Array): void {
  setImmediate(() => raw.end(content));
}
