import type { ServerResponse } from 'node:http';
import { CHECKSUM_HEADER, formatDate, LOGICAL_SIZE_HEADER } from '@filetracker/protocol';
import type { FastifyReply } from 'fastify';
import type { ContentStream, FileRecord, OpenFile } from '../store/file-store.js';

/**
 * Answers with a file: its headers, and its content when it was opened. Written past Fastify's reply, whose
 * header map and hooks take a quarter of the time of a small GET. When a stream breaks in the middle the
 * connection is cut, so that the client sees a short body and not a complete wrong one.
 */
export function sendFile(reply: FastifyReply, file: FileRecord | OpenFile): void {
  const { raw, log } = reply.hijack();
  raw.writeHead(200, [
    'Content-Type',
    'application/octet-stream',
    'Content-Length',
    String(file.size),
    'Last-Modified',
    formatDate(file.version),
    LOGICAL_SIZE_HEADER,
    String(file.size),
    CHECKSUM_HEADER,
    file.digest,
  ]);
  if (!('content' in file)) raw.end();
  else if (file.content instanceof Uint8Array) sendTogether(raw, file.content);
  else {
    sendChunks(raw, file.content).catch((err: NodeJS.ErrnoException) => {
      raw.destroy();
      if (!(err instanceof Disconnected)) log.error({ err, name: file.name }, 'a download was cut');
    });
  }
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
