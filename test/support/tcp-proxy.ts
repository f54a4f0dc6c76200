import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A proxy in front of a server, and what has gone through it. */
export interface TcpProxy {
  readonly url: string;
  /** Bytes from clients to the server and back. */
  readonly up: () => number;
  readonly down: () => number;
  /** Cuts each of the next connections once so many bytes have come back on it. */
  readonly cutAfter: (...bytes: number[]) => void;
  /** Cuts the connection on which so many bytes have gone to the server in all, once. */
  readonly cutWhenUp: (bytes: number) => void;
  /** Lets nothing more pass on a connection on which so many bytes have gone both ways. Ends when what it returns is called. */
  readonly holdAfter: (bytes: number) => () => void;
}

/** Starts a proxy that ends with the test. What `rewrite` changes on its way to clients must keep its length. */
export async function startTcpProxy(
  port: number,
  rewrite: (chunk: Buffer) => Buffer = (chunk) => chunk,
): Promise<TcpProxy> {
  let up = 0;
  let down = 0;
  let cuts: number[] = [];
  let mostUp = Number.POSITIVE_INFINITY;
  let most = Number.POSITIVE_INFINITY;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    let received = 0;
    let passed = 0;
    const countPassed = (bytes: number) => {
      passed += bytes;
      if (passed < most) return;
      client.pause();
      upstream.pause();
    };
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy()).on('close', () => other.destroy());
    }
    client.on('data', (chunk) => {
      up += chunk.length;
      if (up >= mostUp) {
        mostUp = Number.POSITIVE_INFINITY;
        client.destroy();
        return;
      }
      upstream.write(chunk);
      countPassed(chunk.length);
    });
    upstream.on('data', (chunk) => {
      const allowed = cuts[0] === undefined ? chunk.length : Math.min(chunk.length, cuts[0] - received);
      received += allowed;
      down += allowed;
      if (cuts[0] === undefined || received < cuts[0]) {
        client.write(rewrite(chunk));
        countPassed(chunk.length);
        return;
      }
      cuts = cuts.slice(1);
      upstream.pause();
      client.write(chunk.subarray(0, allowed), () => client.destroy());
    });
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    up: () => up,
    down: () => down,
    cutAfter: (...bytes) => (cuts = bytes),
    cutWhenUp: (bytes) => (mostUp = bytes),
    holdAfter: (bytes) => {
      most = bytes;
      return () => {
        most = Number.POSITIVE_INFINITY;
        for (const socket of sockets) socket.resume();
      };
    },
  };
}
