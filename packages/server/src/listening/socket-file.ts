import { once } from 'node:events';
import { lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import type { ListenAddress } from './address.js';

/**
 * Removes the socket files that servers which were killed have left. One that somebody listens on stays, as does
 * what is no socket: listening will fail and say so.
 */
export async function removeStaleSockets(addresses: readonly ListenAddress[]): Promise<void> {
  for (const address of addresses) {
    if (address.kind === 'unix' && (await isStale(address.path))) await unlink(address.path);
  }
}

async function isStale(path: string): Promise<boolean> {
  const stats = await lstat(path).catch(() => undefined);
  if (!stats?.isSocket()) return false;
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';
  } finally {
    socket.destroy();
  }
}
