import { readFileSync } from 'node:fs';
import { UsageError } from '../errors.js';

/** Files that a TLS connection to a server needs, in PEM form. */
export interface TlsFiles {
  /** Certificates that sign what the server shows, instead of those that Node.js trusts. */
  readonly caFile?: string | undefined;
  /** What this client shows to servers that ask for it; it needs `keyFile`. */
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

/** How a client shows who it is, and knows its server. */
export interface Access {
  /** Sent as `Authorization: Bearer`, to the server that it was given for and to no other. */
  readonly token?: string | undefined;
  readonly tls?: TlsFiles | undefined;
}

/** The contents of {@link TlsFiles}, as Node.js takes them. */
export interface TlsOptions {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** Reads the files. Throws {@link UsageError} for one that cannot be read and for half a pair. */
export function readTlsFiles({ caFile, certFile, keyFile }: TlsFiles): TlsOptions {
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new UsageError('a client certificate needs both its file and the file of its key');
  }
  return {
    ...(caFile !== undefined && { ca: readPem(caFile) }),
    ...(certFile !== undefined && { cert: readPem(certFile) }),
    ...(keyFile !== undefined && { key: readPem(keyFile) }),
  };
}

function readPem(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UsageError(`cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
}
