import { once } from 'node:events';
import { copyFileSync, readFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type CertificateFiles, makeAuthority, makeCertificate } from '../support/certificates.js';
import { incompressible } from '../support/contents.js';
import { fileTarget, getFile } from '../support/file-requests.js';
import { PATIENTLY } from '../support/patiently.js';
import { COMMAND, expectRefusal, run, runServer, startForTest } from '../support/server-command.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

interface TlsRequest {
  readonly port: number;
  readonly authority: CertificateFiles;
  readonly client?: CertificateFiles;
  readonly method?: string;
  readonly target: string;
  readonly body?: Buffer;
}

/** A request over TLS that trusts one authority; resolves with status and body. */
async function ask({ port, authority, client, method = 'GET', target, body }: TlsRequest) {
  const sent = request({
    host: '127.0.0.1',
    port,
    method,
    path: target,
    agent: false,
    ca: readFileSync(authority.cert),
    ...(client && { cert: readFileSync(client.cert), key: readFileSync(client.key) }),
  });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [AsyncIterable<Buffer> & { statusCode: number }];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return { status: response.statusCode, body: Buffer.concat(chunks) };
}

function makeFiles() {
  const directory = temporaryDirectory();
  const authority = makeAuthority(directory);
  const own = makeCertificate(directory, authority, 'server');
  const flags = ['--tls-cert', own.cert, '--tls-key', own.key];
  return { directory, authority, own, flags };
}

/** The common name of whom a server says it is. */
async function peerName(port: number, authority: CertificateFiles): Promise<string> {
  const socket: TLSSocket = connectTls({ port, host: '127.0.0.1', ca: readFileSync(authority.cert) });
  await once(socket, 'secureConnect');
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return String(subject.CN);
}

describe('--tls-cert and --tls-key', () => {
  it('serve HTTPS and nothing else; a Unix socket stays as it is', async () => {
    const { authority, flags } = makeFiles();
    const path = join(temporaryDirectory(), 'socket');
    const server = await startForTest(temporaryDirectory(), ...flags, '-l', '127.0.0.1', '-l', path);
    expect(server.url).toMatch(/^https:/);
    const { port } = server;
    const body = incompressible('tls', 3_000_000);
    const target = fileTarget('a', 1);
    expect((await ask({ port, authority, method: 'PUT', target, body })).status).toBe(200);
    expect((await ask({ port, authority, target: fileTarget('a') })).body.equals(body)).toBe(true);
    expect((await getFile(path, 'a')).body.equals(body)).toBe(true);
    const metrics = (await ask({ port, authority, target: '/metrics' })).body.toString();
    expect(Number(/\nfiletracker_received_bytes_total (\d+)/.exec(metrics)?.[1])).toBeGreaterThan(3_000_000);

    const plain = connect(port, '127.0.0.1');
    onTestFinished(() => void plain.destroy());
    plain.write('GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n');
    let answered = '';
    plain.on('data', (chunk: Buffer) => (answered += chunk.toString('latin1')));
    await once(plain, 'close');
    expect(answered).not.toContain('protocol_versions');
    const old = connectTls({ port, host: '127.0.0.1', maxVersion: 'TLSv1.1', rejectUnauthorized: false });
    await expect(once(old, 'secureConnect')).rejects.toThrow();
    expect(await server.end()).toBe(0);
  });

  it('are read again on SIGHUP, by every worker; files that do not fit change nothing', async () => {
    const { directory, authority, own, flags } = makeFiles();
    const server = await startForTest(temporaryDirectory(), ...flags, '--workers', '2');
    await vi.waitFor(() => expect(server.log().match(/serving /g)).toHaveLength(2), PATIENTLY);
    const names = async () =>
      new Set(await Promise.all(Array.from({ length: 6 }, () => peerName(server.port, authority))));
    expect(await names()).toEqual(new Set(['server']));
    const renewed = makeCertificate(directory, authority, 'renewed');
    copyFileSync(renewed.cert, own.cert);
    server.child.kill('SIGHUP');
    await vi.waitFor(
      () => expect(server.log().match(/the certificates are still those/g)).toHaveLength(2),
      PATIENTLY,
    );
    expect(await names()).toEqual(new Set(['server']));
    copyFileSync(renewed.key, own.key);
    server.child.kill('SIGHUP');
    await vi.waitFor(async () => expect(await names()).toEqual(new Set(['renewed'])), PATIENTLY);
  });

  it('that cannot be used stop the start in one line', async () => {
    const { directory, own, authority } = makeFiles();
    const start = (...flags: string[]) => runServer('-d', temporaryDirectory(), ...flags);
    expectRefusal(
      await start('--tls-cert', own.cert, '--tls-key', authority.key),
      /cannot use the files for TLS: .*key values mismatch/,
    );
    expectRefusal(
      await start('--tls-cert', join(directory, 'missing'), '--tls-key', own.key),
      /cannot use the files for TLS: .*missing/,
    );
    for (const flags of [
      ['--tls-cert', own.cert],
      ['--tls-client-ca', authority.cert],
    ]) {
      const ended = await run([process.execPath, COMMAND, '-d', directory, ...flags]);
      expect(ended.code).toBe(2);
    }
  });
});

describe('--tls-client-ca', () => {
  it('lets in only clients with a certificate of that authority', async () => {
    const { directory, authority, flags } = makeFiles();
    const clients = makeAuthority(directory, 'clients');
    const client = makeCertificate(directory, clients, 'client');
    const stranger = makeCertificate(directory, authority, 'stranger');
    const server = await startForTest(
      temporaryDirectory(),
      ...flags,
      '--tls-client-ca',
      clients.cert,
      '-l',
      '0.0.0.0',
    );
    expect(server.log()).not.toContain('whoever reaches this address');
    const { port } = server;
    const target = '/version';
    expect((await ask({ port, authority, client, target })).status).toBe(200);
    await expect(ask({ port, authority, target })).rejects.toThrow();
    await expect(ask({ port, authority, client: stranger, target })).rejects.toThrow();
    expect((await ask({ port, authority, client, target })).status).toBe(200);
  });
});
