import type { Server } from 'node:http';
import { Server as TlsServer } from 'node:https';
import type { SecureContextOptions } from 'node:tls';
import type { Logger } from 'pino';
import { Tokens } from './access/tokens.js';
import type { ServerConfig } from './config.js';
import { readTlsFiles } from './http/tls.js';
import { isBeyondLoopback, type ListenAddress } from './listening/address.js';

/** The tokens and certificates of a running server, which are read again while it runs. */
export class Protection {
  readonly tokens: Tokens | undefined;
  readonly #secured = new Set<TlsServer>();
  #tls: SecureContextOptions | undefined;

  /** Reads the files. Throws `TokenFileError` and `TlsFilesError`, with one line for the operator. */
  constructor(
    private readonly options: Pick<ServerConfig, 'listen' | 'tokenFile' | 'tls'>,
    private readonly logger: Logger,
  ) {
    const { listen, tokenFile, tls } = options;
    this.tokens = tokenFile === undefined ? undefined : new Tokens(tokenFile);
    this.#tls = tls && readTlsFiles(tls);
    if (this.tokens?.isPublic) logger.warn(`everybody on this machine may read ${tokenFile}: chmod o-r`);
    if (this.tokens || tls?.clientAuthorities !== undefined) return;
    for (const address of listen.filter(isBeyondLoopback)) {
      logger.warn(
        { address },
        'whoever reaches this address may read and change everything; see --token-file and --tls-client-ca',
      );
    }
  }

  /** What a server on an address needs for TLS. Unix sockets go without: nobody can listen in on them. */
  tlsFor(address: ListenAddress): SecureContextOptions | undefined {
    return address.kind === 'unix' ? undefined : this.#tls;
  }

  /** New connections of a server follow the files from now on. */
  follow(server: Server): void {
    if (isTlsServer(server)) this.#secured.add(server);
  }

  /** Reads the files again. What cannot be used is logged, and what was read before stays. */
  reload(): void {
    this.#attempt('the tokens', () => this.tokens?.reload());
    this.#attempt('the certificates', () => {
      const { tls } = this.options;
      if (!tls) return;
      const context = readTlsFiles(tls);
      for (const server of this.#secured) server.setSecureContext(context);
      this.#tls = context;
    });
  }

  #attempt(what: string, read: () => void): void {
    try {
      read();
    } catch (err) {
      this.logger.error({ err }, `${what} are still those read before`);
    }
  }
}

function isTlsServer(server: Server): server is TlsServer {
  return server instanceof TlsServer;
}
