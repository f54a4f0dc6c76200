import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';

/** The files that a server needs for TLS, all in PEM. */
export interface TlsFiles {
  /** Its certificate, with those between it and the root behind it. */
  readonly certificate: string;
  readonly key: string;
  /** Authorities of clients: only those that have a certificate of one of them may connect. */
  readonly clientAuthorities: string | undefined;
}

/** Files for TLS that cannot be used; the message is one line. */
class TlsFilesError extends Error {
  override readonly name = 'TlsFilesError';
}

/** Reads and checks the files of a server. Throws {@link TlsFilesError}. */
export function readTlsFiles({ certificate, key, clientAuthorities }: TlsFiles): SecureContextOptions {
  try {
    const context: SecureContextOptions = {
      cert: readFileSync(certificate),
      key: readFileSync(key),
      ...(clientAuthorities === undefined ? {} : { ca: readFileSync(clientAuthorities) }),
      minVersion: 'TLSv1.2',
    };
    createSecureContext(context);
    return context;
  } catch (error) {
    throw new TlsFilesError(`cannot use the files for TLS: ${(error as Error).message}`, { cause: error });
  }
}
