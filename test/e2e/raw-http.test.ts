import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { rawExchange } from '../support/raw-http.js';

/** Much more than fits into the buffers of a connection. */
const LONG = Buffer.alloc(24 * 1024 * 1024, 'x');

/** A server that reads a little, answers with these bytes, and resets the connection. */
async function hasty(reply: string): Promise<number> {
  const server = createServer((socket) => {
    socket.once('data', () => {
      socket.pause();
      socket.write(reply, () => socket.resetAndDestroy());
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

const HEAD = 'HTTP/1.1 413 Too Large\r\n';

it.each([
  ['with its length', `${HEAD}Content-Length: 3\r\n\r\nbig`],
  ['in chunks', `${HEAD}Transfer-Encoding: chunked\r\n\r\n3\r\nbig\r\n0\r\n\r\n`],
])('a reply %s counts although not everything could be sent', async (_, bytes) => {
  const reply = await rawExchange(await hasty(bytes), LONG);
  expect(reply.status).toBe(413);
  expect(reply.body.toString()).toBe('big');
});

it.each([
  ['none', ''],
  ['a cut head', HEAD],
  ['a cut body', `${HEAD}Content-Length: 4\r\n\r\nbig`],
  ['cut chunks', `${HEAD}Transfer-Encoding: chunked\r\n\r\n3\r\nbig\r\n`],
])('without a whole reply the failure is thrown: %s', async (_, bytes) => {
  await expect(rawExchange(await hasty(bytes), LONG)).rejects.toThrow(/EPIPE|ECONNRESET|closed before/);
});
