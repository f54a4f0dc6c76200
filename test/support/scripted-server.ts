import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';

/** A TCP server that answers as a script says, byte for byte. */
export interface ScriptedServer {
  readonly url: string;
  /** First lines of the requests so far, without those for the version. */
  readonly requests: readonly string[];
  readonly close: () => Promise<void>;
}

/** What to do with the n-th request (from 0) that is not for the version. */
export type Script = (socket: Socket, attempt: number) => void;

/** Starts a server that answers `GET /version/` itself and leaves all other requests to the script. */
export async function startScriptedServer(script: Script): Promise<ScriptedServer> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
    socket.on('data', (bytes) => {
      const line = bytes.toString('latin1').split('\r\n')[0] ?? '';
      if (!/^(GET|HEAD|PUT|POST|DELETE) /.test(line)) return;
      if (line.startsWith('GET /version/')) {
        socket.write(reply('{"protocol_versions":[2,3]}'));
        return;
      }
      requests.push(line);
      script(socket, requests.length - 1);
    });
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      for (const socket of sockets) socket.destroy();
      server.close(() => resolve());
    });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, close };
}

/** A reply with these headers, a length that may be a lie, and a body. */
export function reply(
  body: string | Buffer,
  {
    status = '200 OK',
    length = Buffer.byteLength(body),
    headers = {} as Readonly<Record<string, string>>,
  } = {},
): Buffer {
  const lines = Object.entries({ 'Content-Length': String(length), ...headers }).map((entry) =>
    entry.join(': '),
  );
  return Buffer.concat([
    Buffer.from(`HTTP/1.1 ${status}\r\n${lines.join('\r\n')}\r\n\r\n`),
    Buffer.from(body),
  ]);
}
