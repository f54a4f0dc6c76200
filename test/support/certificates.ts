import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Files of a certificate and its key, in PEM form. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** Makes a certificate that signs others, with openssl(1), which takes some 10 ms. */
export function makeAuthority(directory: string, name = 'ca'): CertificateFiles {
  const files = filesOf(directory, name);
  openssl(['req', '-x509', ...newKey(files.key), '-subj', `/CN=Test authority ${name}`, '-out', files.cert]);
  return files;
}

/** Makes a certificate for 127.0.0.1 that the authority signs. */
export function makeCertificate(
  directory: string,
  authority: CertificateFiles,
  name: string,
): CertificateFiles {
  const files = filesOf(directory, name);
  const signed = ['-CA', authority.cert, '-CAkey', authority.key, '-addext', 'subjectAltName=IP:127.0.0.1'];
  openssl(['req', '-x509', ...signed, ...newKey(files.key), '-subj', `/CN=${name}`, '-out', files.cert]);
  return files;
}

function newKey(path: string): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', path];
}

function filesOf(directory: string, name: string): CertificateFiles {
  return { cert: join(directory, `${name}.pem`), key: join(directory, `${name}-key.pem`) };
}

function openssl(args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' });
}
