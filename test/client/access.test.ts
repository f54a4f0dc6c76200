import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import {
  AccessError,
  ConnectionError,
  FileTrackerClient,
  type FileTrackerClientOptions,
} from '@filetracker/client';
import { expect, it, onTestFinished } from 'vitest';
import { makeAuthority, makeCertificate } from '../support/certificates.js';
import { filetracker } from '../support/filetracker-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const HEADERS = { 'Last-Modified': 'Thu, 01 Jan 1970 00:00:05 -0000', 'Logical-Size': '2' };

/** Answers as a server with the file `f` does, to whoever `allows` lets in. */
function answering(
  allows: (request: IncomingMessage) => 200 | 401 | 403,
  seen: (string | undefined)[],
): RequestListener {
  return (request, response) => {
    seen.push(request.headers.authorization);
    const status = allows(request);
    if (status !== 200) response.writeHead(status, { 'X-Exception': 'no write access' }).end();
    else if (request.url === '/version/') response.end('{"protocol_versions":[2]}');
    else response.writeHead(200, HEADERS).end('hi');
  };
}

async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function clientOf(options: FileTrackerClientOptions): FileTrackerClient {
  const client = new FileTrackerClient({ localStore: 'none', retries: 0, ...options });
  onTestFinished(() => client.close());
  return client;
}

it('shows its token to the server and keeps it out of what is logged', async () => {
  const seen: (string | undefined)[] = [];
  const host = await listening(createServer(answering(() => 200, seen)));
  const logged: unknown[] = [];
  const client = clientOf({
    remoteUrl: `http://${host}`,
    token: 'sesame',
    onRequest: (event) => logged.push(event),
  });
  expect(await client.fileVersion('/f')).toBe(5);
  expect(seen).toEqual(['Bearer sesame', 'Bearer sesame']);
  expect(JSON.stringify(logged)).not.toContain('sesame');
});

it('does not show it to a server that it is redirected to', async () => {
  const seen: (string | undefined)[] = [];
  const other = await listening(createServer(answering(() => 200, seen)));
  const host = await listening(
    createServer((request, response) => {
      if (request.url === '/version/') response.end('{"protocol_versions":[2]}');
      else response.writeHead(307, { Location: `http://${other}${request.url}` }).end();
    }),
  );
  const client = clientOf({ remoteUrl: `http://${host}`, token: 'sesame' });
  expect(await client.fileVersion('/f')).toBe(5);
  expect(seen).toEqual([undefined]);
});

it.each([
  [401, undefined, /wants a token: give one with --token/],
  [401, 'wrong', /does not accept this token: no write access/],
  [403, 'right', /does not allow this: no write access/],
] as const)('a refusal with %d to the token %s says what to do, at once', async (status, token, message) => {
  const host = await listening(createServer(answering(() => status, [])));
  const error = await clientOf({ remoteUrl: `http://${host}`, token, retries: 5 })
    .fileVersion('/f')
    .catch((refusal: unknown) => refusal);
  expect(error).toBeInstanceOf(AccessError);
  expect(error).toMatchObject({ status, code: status === 401 ? 'unauthorized' : 'forbidden' });
  expect(String(error)).toMatch(message);
  expect(String(error)).not.toContain('sesame');
});

it('finds the token of a server in the credentials file, unless others may read that', async () => {
  const seen: (string | undefined)[] = [];
  const host = await listening(createServer(answering(() => 200, seen)));
  const cwd = temporaryDirectory();
  const file = join(cwd, 'filetracker', 'credentials');
  const lines = ['# tokens', 'machine 127.0.0.1:1 password other', `machine ${host} login x password sesame`];
  const run = () =>
    filetracker(['-r', `http://${host}`, 'version', '/f'], { cwd, env: { XDG_CONFIG_HOME: cwd } });
  expect((await run()).code).toBe(0);
  mkdirSync(join(cwd, 'filetracker'));
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  expect((await run()).code).toBe(0);
  expect(seen).toEqual([undefined, undefined, 'Bearer sesame', 'Bearer sesame']);
  chmodSync(file, 0o644);
  const refused = await run();
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain(`chmod 600 ${file}`);
});

it('trusts a server by --ca alone, and shows a certificate to one that asks for it', async () => {
  const directory = temporaryDirectory();
  const authority = makeAuthority(directory);
  const server = makeCertificate(directory, authority, 'server');
  const mine = makeCertificate(directory, authority, 'client');
  const options = { key: readFileSync(server.key), cert: readFileSync(server.cert) };
  const tls = { ca: readFileSync(authority.cert), requestCert: true, rejectUnauthorized: true };
  const plain = await listening(
    createTlsServer(
      options,
      answering(() => 200, []),
    ),
  );
  const asking = await listening(
    createTlsServer(
      { ...options, ...tls },
      answering(() => 200, []),
    ),
  );
  const version = (host: string, flags: readonly string[], env = {}) =>
    filetracker(['-r', `https://${host}`, ...flags, 'version', '/f'], { cwd: directory, env });

  const untrusted = await clientOf({ remoteUrl: `https://${plain}`, retries: 5 })
    .fileVersion('/f')
    .catch((error: unknown) => error);
  expect(untrusted).toBeInstanceOf(ConnectionError);
  expect(untrusted).toMatchObject({ code: 'untrusted', transient: false });
  expect(String(untrusted)).toMatch(/--ca or \$FILETRACKER_CA/);
  expect(await version(plain, ['--ca', authority.cert])).toMatchObject({ code: 0, stdout: '5\n' });
  expect((await version(plain, [], { FILETRACKER_CA: authority.cert })).code).toBe(0);

  const unknown = await version(asking, ['--ca', authority.cert]);
  expect(unknown.code).toBe(1);
  expect(unknown.stderr).toMatch(/wants a client certificate/);
  const identity = ['--ca', authority.cert, '--cert', mine.cert, '--key', mine.key];
  expect(await version(asking, identity)).toMatchObject({ code: 0, stdout: '5\n' });
  const half = await version(asking, identity.slice(0, -2));
  expect(half.code).toBe(2);
  expect(half.stderr).toMatch(/its key/);
});
