import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { promisify } from 'node:util';
import { parseReply, type RawReply } from './raw-http.js';

/**
 * Sends bytes as many clients do: everything first, and only then do they listen. Rejects when not everything can be
 * sent. The reply must be small.
 *
 * @param where a port of 127.0.0.1, or a connection
 */
export async function sendThenListen(where: number | Socket, bytes: Uint8Array): Promise<RawReply> {
  const socket = typeof where === 'number' ? connect(where, '127.0.0.1') : where;
  socket.pause();
  // The write fails with the same.
  socket.on('error', () => undefined);
  try {
    await promisify((done: (error?: Error | null) => void) => socket.write(bytes, done))();
    socket.resume();
    const [reply] = (await once(socket, 'data')) as [Buffer];
    return parseReply(reply);
  } finally {
    socket.destroy();
  }
}
