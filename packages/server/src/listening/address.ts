import { isIPv6 } from 'node:net';
import { resolve } from 'node:path';

/** Where a server listens. */
export type ListenAddress =
  /** Port 0 takes any free one. */
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }
  /** A socket that whoever started this process has opened. */
  | { readonly kind: 'inherited'; readonly fd: number };

/** Longest path of a Unix socket in bytes: see unix(7). */
const MAX_PATH_BYTES = 107;

/**
 * Reads `HOST`, `HOST:PORT`, `[IPv6]:PORT`, `/PATH` or `unix:PATH`. Throws an `Error` whose message says what is wrong.
 *
 * @param defaultPort taken where none is given
 */
export function parseListenAddress(text: string, defaultPort: number): ListenAddress {
  if (text.startsWith('/')) return unixAddress(text);
  if (text.startsWith('unix:')) return unixAddress(text.slice('unix:'.length));
  if (isIPv6(text)) return { kind: 'tcp', host: text, port: defaultPort };
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? defaultPort : Number(match[3]);
  if (host === undefined || (match?.[1] !== undefined && !isIPv6(host)) || port > 65_535) {
    throw new Error(`"${text}" is no address; give HOST, HOST:PORT, [IPV6]:PORT or unix:/PATH`);
  }
  return { kind: 'tcp', host, port };
}

function unixAddress(text: string): ListenAddress {
  const path = resolve(text);
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    throw new Error(`the path of a Unix socket may have ${MAX_PATH_BYTES} bytes at most: ${path}`);
  }
  return { kind: 'unix', path };
}

/** Whether programs of other machines may reach an address, as far as it says so itself. */
export function isBeyondLoopback(address: ListenAddress): boolean {
  return address.kind === 'tcp' && !/^(localhost|127\.[\d.]+|::1)$/i.test(address.host);
}

/** What to tell the operator when a server cannot listen on an address. */
export function listenProblem(address: ListenAddress, { code, message }: NodeJS.ErrnoException): string {
  switch (address.kind) {
    case 'tcp':
      return tcpProblem(address.host, address.port, code) ?? `cannot listen on ${place(address)}: ${message}`;
    case 'unix':
      return code === 'EADDRINUSE'
        ? `another program listens on ${address.path}; choose another path with -l`
        : `cannot make the socket ${address.path}: ${message}`;
    case 'inherited':
      return `cannot listen on ${place(address)}, which $LISTEN_FDS promises: ${message}`;
  }
}

function place(address: ListenAddress): string {
  switch (address.kind) {
    case 'tcp':
      return `port ${address.port} of ${address.host}`;
    case 'unix':
      return address.path;
    case 'inherited':
      return `descriptor ${address.fd}`;
  }
}

function tcpProblem(host: string, port: number, code: string | undefined): string | undefined {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: `port ${port} of ${host} is taken by another program; choose another one with -p`,
    EACCES: `not allowed to listen on port ${port} of ${host}; choose one above 1023 with -p`,
    EADDRNOTAVAIL: `this machine has no address ${host}; choose another one with -l`,
    ENOTFOUND: `there is no host ${host}; choose another address with -l`,
  };
  return reasons[code ?? ''];
}
