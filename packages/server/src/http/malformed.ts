import type { Socket } from 'node:net';
import { ERROR_STATUS, EXCEPTION_HEADER } from '@filetracker/protocol';
import { UnwantedBytes } from './unwanted-bytes.js';

/** What node says of bytes that are no request. */
interface ConnectionError extends NodeJS.ErrnoException {
  readonly rawPacket?: unknown;
}

/** What comes on connections that have been answered so. */
const refused = new WeakMap<Socket, UnwantedBytes>();

/** Answers what is not HTTP and closes the connection. */
export function refuseMalformed(error: ConnectionError, socket: Socket): void {
  const unwanted = refused.get(socket);
  // Node parses on, and each piece of what comes is an error of its own.
  if (unwanted && error.code?.startsWith('HPE_')) {
    if (unwanted.isTooMuch(Buffer.isBuffer(error.rawPacket) ? error.rawPacket.length : 0)) socket.destroy();
    return;
  }
  // An answer in the middle of another one would pass for a piece of a file, and without TLS there is no telling.
  if (
    /^(ECONNRESET$|ERR_SSL_|ERR_TLS_)/.test(error.code ?? '') ||
    !socket.writable ||
    socket.bytesWritten > 0
  ) {
    socket.destroy();
    return;
  }
  refused.set(socket, new UnwantedBytes());
  const [status, reason, header = ''] = answerFor(error);
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${reason.length + 1}\r\n` +
      `${header}${EXCEPTION_HEADER}: ${reason}\r\n\r\n${reason}\n`,
  );
}

type Answer = readonly [status: string, reason: string, header?: string];

function answerFor({ code, rawPacket }: ConnectionError): Answer {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return ['431 Request Header Fields Too Large', 'the headers are too large'];
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return ['408 Request Timeout', 'the request took too long to arrive'];
  }
  // A request in all but its method, such as `FETCH /files/a HTTP/1.1`, gets what other methods get.
  if (code === 'HPE_INVALID_METHOD' && startsLikeRequest(rawPacket)) {
    const methods = 'GET, HEAD, PUT, DELETE';
    return [
      `${ERROR_STATUS.method_not_allowed} Method Not Allowed`,
      `unknown method; allowed: ${methods}`,
      `Allow: ${methods}\r\n`,
    ];
  }
  return [`${ERROR_STATUS.invalid_request} Bad Request`, 'the request is not valid HTTP'];
}
function startsLikeRequest(bytes: unknown): boolean {
  return Buffer.isBuffer(bytes) && /^[A-Z]+ \//.test(bytes.toString('latin1', 0, 40));
}
