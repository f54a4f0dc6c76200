import { once } from 'node:events';
import { chmod } from 'node:fs/promises';
import type { Server } from 'node:http';
import { Server as TlsServer } from 'node:https';
import { isIPv6 } from 'node:net';
import { StoreOpenError } from '../store/errors.js';
import { type ListenAddress, listenProblem } from './address.js';

/** How often connections that have become idle are closed while a listener closes, in milliseconds. */
const IDLE_CHECK_INTERVAL = 50;

/** An HTTP server that listens on one address. */
export class Listener {
  private constructor(
    private readonly server: Server,
    private readonly address: ListenAddress,
  ) {}

  /**
   * Listens. Throws {@link StoreOpenError} with a line for the operator.
   *
   * @param socketMode the mode of a Unix socket; what the umask leaves when there is none
   */
  static async open(
    server: Server,
    address: ListenAddress,
    { socketMode }: { readonly socketMode: number | undefined },
  ): Promise<Listener> {
    try {
      server.listen(listenOptions(address));
      await once(server, 'listening');
      if (address.kind === 'unix' && socketMode !== undefined) await chmod(address.path, socketMode);
    } catch (error) {
      server.close();
      throw new StoreOpenError(listenProblem(address, error as NodeJS.ErrnoException), { cause: error });
    }
    return new Listener(server, address);
  }

  /** Where it listens, for people and programs. */
  get url(): string {
    const bound = this.server.address();
    if (bound === null || typeof bound === 'string') {
      return `unix:${bound ?? (this.address.kind === 'unix' ? this.address.path : '')}`;
    }
    const host = isIPv6(bound.address) ? `[${bound.address}]` : bound.address;
    return `${this.server instanceof TlsServer ? 'https' : 'http'}://${host}:${bound.port}`;
  }

  /** Refuses new connections and waits for the requests under way. */
  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    // A connection whose request ends only now would be kept open for a next one.
    const idle = setInterval(() => this.server.closeIdleConnections(), IDLE_CHECK_INTERVAL);
    await closed;
    clearInterval(idle);
  }

  /** Cuts the requests under way. */
  cut(): void {
    this.server.closeAllConnections();
  }
}

function listenOptions(address: ListenAddress) {
  switch (address.kind) {
    case 'tcp':
      return { host: address.host, port: address.port };
    case 'unix':
      return { path: address.path };
    case 'inherited':
      return { fd: address.fd };
  }
}
