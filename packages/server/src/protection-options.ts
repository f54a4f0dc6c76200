import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import type { TlsFiles } from './http/tls.js';
import { trustedProxies } from './http/trusted-proxies.js';
import { wholeNumber } from './option-values.js';

/** Who may use a server, how connections are kept secret, and how much a client may ask for. */
export interface ProtectionOptions {
  /** Without it everybody may do everything. */
  readonly tokenFile: string | undefined;
  readonly tls: TlsFiles | undefined;
  /** Requests a second that this process takes from an address; no bound when there is none. */
  readonly requestsPerSecond: number | undefined;
  /** Whether a peer is a proxy whose `X-Forwarded-For` says who the client is. */
  readonly trustedProxies: ((peer: string | undefined) => boolean) | undefined;
}

/** The same as options of the command line. */
export interface ProtectionFlags {
  readonly tokenFile?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
  readonly maxRequestsPerSecond?: number;
  readonly trustProxy?: (peer: string | undefined) => boolean;
}

/** Adds the options of {@link ProtectionFlags} to the server's command. */
export function addProtectionOptions(command: Command): Command {
  return command
    .option(
      '--token-file <file>',
      'let in only who has one of these tokens; SIGHUP reads it again',
      resolvePath,
    )
    .option(
      '--tls-cert <file>',
      'serve HTTPS with this certificate, in PEM; SIGHUP reads it again',
      resolvePath,
    )
    .option('--tls-key <file>', 'its key, in PEM', resolvePath)
    .option(
      '--tls-client-ca <file>',
      'let in only clients with a certificate of these authorities',
      resolvePath,
    )
    .option(
      '--max-requests-per-second <number>',
      'refuse what one client address sends beyond so many requests a second (default: unlimited)',
      wholeNumber(1, 1_000_000),
    )
    .option(
      '--trust-proxy <addresses>',
      'take the client’s address from X-Forwarded-For of these proxies, such as 10.0.0.1,192.168.0.0/16',
      proxies,
    );
}

/**
 * What the options ask for. Throws commander's `CommanderError` when one lacks another.
 *
 * @param workers how many processes share the requests
 */
export function protectionOptions(command: Command, workers: number): ProtectionOptions {
  const { tokenFile, tlsCert, tlsKey, tlsClientCa, maxRequestsPerSecond, trustProxy } =
    command.opts<ProtectionFlags>();
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    command.error('error: --tls-cert and --tls-key go together');
  }
  if (tlsClientCa !== undefined && tlsCert === undefined) {
    command.error('error: --tls-client-ca needs --tls-cert and --tls-key');
  }
  return {
    tokenFile,
    tls:
      tlsCert === undefined || tlsKey === undefined
        ? undefined
        : { certificate: tlsCert, key: tlsKey, clientAuthorities: tlsClientCa },
    requestsPerSecond: maxRequestsPerSecond && Math.ceil(maxRequestsPerSecond / workers),
    trustedProxies: trustProxy,
  };
}

function resolvePath(text: string): string {
  return resolve(text);
}

function proxies(text: string): (peer: string | undefined) => boolean {
  try {
    return trustedProxies(text.split(','));
  } catch (error) {
    throw new InvalidArgumentError(`${(error as Error).message}.`);
  }
}
