import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A reply as it came over the wire; header names in lower case, the body without transfer coding. */
export interface RawReply {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** A request as it goes over the wire. */
export interface RawRequest {
  readonly method: string;
  readonly target: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: Uint8Array;
}

/** Where a server of this machine listens: a port of 127.0.0.1, or the path of a Unix socket. */
export type Endpoint = number | string;

/** Sends one request over a socket of its own, byte for byte, and reads the reply to the end. */
export async function rawRequest(port: Endpoint, request: RawRequest): Promise<RawReply> {
  const given = request.headers ?? [];
  const host = given.some(([name]) => name.toLowerCase() === 'host') ? [] : [['Host', 'localhost'] as const];
  const headers = [...host, ...given, ['Connection', 'close'] as const];
  const head = [
    `${request.method} ${request.target} HTTP/1.1`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ];
  return rawExchange(
    port,
    Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), request.body ?? Buffer.alloc(0)]),
  );
}

/**
 * Sends bytes over a socket of its own and reads the reply until the server closes. A server may answer and close before
 * it has read all of them: then sending fails, and the reply counts. Throws where it is not whole either.
 */
export async function rawExchange(port: Endpoint, bytes: Uint8Array): Promise<RawReply> {
  const socket = typeof port === 'number' ? connect(port, '127.0.0.1') : connect(port);
  await once(socket, 'connect');
  const chunks: Buffer[] = [];
  // An iterator of the socket would lose what had come before the failure and was not consumed yet.
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  // It is written in the event loop's own turns, behind what can be read then: a reply is read before a write can fail.
  socket.write(bytes);
  const failure = await endOf(socket);
  socket.destroy();
  const received = Buffer.concat(chunks);
  if (failure && !isWhole(received)) throw failure;
  return parseReply(received);
}

/** Waits until a socket has ended; resolves with what kept it from sending or receiving everything. */
function endOf(socket: Socket): Promise<Error | undefined> {
  const unsent = () =>
    socket.writableLength > 0 ? new Error('the server closed before everything was sent') : undefined;
  return new Promise((resolve) => {
    // A reset behind a reply may look like an end.
    socket.once('end', () => resolve(unsent()));
    socket.once('error', resolve);
  });
}

/** Whether a reply has the length that its head tells. */
function isWhole(bytes: Buffer): boolean {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const length = parseReply(bytes).headers.get('content-length');
  return length === undefined
    ? bytes.subarray(end).toString('latin1').endsWith('\r\n0\r\n\r\n')
    : bytes.length - end - 4 === Number(length);
}

/** Reads a reply whose bytes are all there. */
export function parseReply(bytes: Buffer): RawReply {
  const end = bytes.indexOf('\r\n\r\n');
  const [statusLine = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  const rest = bytes.subarray(end + 4);
  const body = headers.get('transfer-encoding') === 'chunked' ? dechunk(rest) : rest;
  return { status: Number(statusLine.split(' ')[1]), headers, body };
}

function dechunk(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let offset = 0; ; ) {
    const lineEnd = bytes.indexOf('\r\n', offset);
    const length = Number.parseInt(bytes.toString('latin1', offset, lineEnd), 16);
    if (!(length > 0)) return Buffer.concat(parts);
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + length));
    offset = lineEnd + 2 + length + 2;
  }
}
