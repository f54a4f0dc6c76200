import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { ListenAddress } from './address.js';

/**
 * A port that is free at the moment, where an address leaves it open with port 0. `undefined` where none does, and
 * where the address cannot be listened on, which whoever does listen on it finds better words for.
 */
export async function freePort(addresses: readonly ListenAddress[]): Promise<number | undefined> {
  for (const address of addresses) {
    if (address.kind !== 'tcp' || address.port !== 0) continue;
    const server = createServer().listen(0, address.host);
    try {
      await once(server, 'listening');
    } catch {
      return undefined;
    }
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    return port;
  }
  return undefined;
}
