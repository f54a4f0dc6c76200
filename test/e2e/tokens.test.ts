import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BATCH_TYPE } from '@filetracker/protocol';
import { describe, expect, it, vi } from 'vitest';
import { incompressible, sha256 } from '../support/contents.js';
import { fileTarget } from '../support/file-requests.js';
import { PATIENTLY } from '../support/patiently.js';
import { type RawReply, rawRequest } from '../support/raw-http.js';
import { expectRefusal, runServer, startForTest } from '../support/server-command.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const TOKENS = {
  reader: 'reader-0123456789',
  writer: 'writer-0123456789',
  admin: 'admin-0123456789-secret',
  judge: 'judge-0123456789',
};

/** Writes a file of tokens and says where it is. */
function tokenFile(...lines: string[]): string {
  const path = join(temporaryDirectory(), 'tokens');
  writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o600 });
  return path;
}

const allTokens = () =>
  tokenFile(
    '# who may do what',
    '',
    `${TOKENS.reader} read`,
    `${TOKENS.writer}   write`,
    `sha256:${sha256(Buffer.from(TOKENS.admin))} admin`,
    `\t${TOKENS.judge} read,write /problems/`,
  );

interface Asked {
  readonly token?: string | undefined;
  readonly body?: Uint8Array;
  readonly headers?: readonly (readonly [string, string])[];
}

function ask(port: number, method: string, target: string, { token, body, headers = [] }: Asked = {}) {
  return rawRequest(port, {
    method,
    target,
    headers: [
      ...(token === undefined ? [] : [['Authorization', `Bearer ${token}`] as const]),
      ...(body === undefined ? [] : [['Content-Length', String(body.byteLength)] as const]),
      ...headers,
    ],
    ...(body === undefined ? {} : { body }),
  });
}

const message = (reply: RawReply) => reply.body.toString();

describe('--token-file', () => {
  it('lets every token do what it is for, and nothing else', async () => {
    const { port } = await startForTest(temporaryDirectory(), '--token-file', allTokens());
    const body = Buffer.from('content');
    for (const name of ['problems/a', 'problems-old/a', 'other']) {
      const reply = await ask(port, 'PUT', fileTarget(name, 1), { token: TOKENS.admin, body });
      expect(reply.status).toBe(200);
    }
    const put = (name: string) => ['PUT', fileTarget(name, 2), body] as const;
    const remove = (name: string) => ['DELETE', fileTarget(`${name}-missing`, 2)] as const;
    // Who: nobody, reader, writer, admin, judge.
    const matrix: readonly (readonly [
      request: readonly [string, string, Uint8Array?],
      ...statuses: number[],
    ])[] = [
      [['GET', '/version'], 200, 200, 200, 200, 200],
      [['GET', '/healthz'], 200, 200, 200, 200, 200],
      [['GET', '/openapi.json'], 200, 200, 200, 200, 200],
      [['GET', '/status'], 401, 200, 403, 200, 403],
      [['GET', '/metrics'], 401, 200, 403, 200, 403],
      [['GET', '/list/'], 401, 200, 403, 200, 403],
      [['GET', '/list/problems'], 401, 200, 403, 200, 200],
      [['GET', '/list/problems-old'], 401, 200, 403, 200, 403],
      [['GET', fileTarget('problems/a')], 401, 200, 403, 200, 200],
      [['HEAD', fileTarget('problems/a')], 401, 200, 403, 200, 200],
      [['GET', fileTarget('problems-old/a')], 401, 200, 403, 200, 403],
      [['GET', '/files/problems/../other'], 401, 400, 403, 400, 400],
      [['GET', '/files/problems/%2e%2e/other'], 401, 400, 403, 400, 400],
      [['GET', '/files/x//files/other'], 401, 200, 403, 200, 403],
      [put('problems/a'), 401, 403, 200, 200, 200],
      [put('problems-old/a'), 401, 403, 200, 200, 403],
      [put('problems'), 401, 403, 409, 409, 409],
      [remove('problems/a'), 401, 403, 404, 404, 404],
      [remove('other'), 401, 403, 404, 404, 403],
      [['GET', '/nonsense'], 400, 400, 400, 400, 400],
      [['POST', '/files/a'], 405, 405, 405, 405, 405],
    ];
    const tokens = [undefined, TOKENS.reader, TOKENS.writer, TOKENS.admin, TOKENS.judge];
    for (const [[method, target, upload], ...statuses] of matrix) {
      const seen = await Promise.all(
        tokens.map((token) => ask(port, method, target, { token, ...(upload && { body: upload }) })),
      );
      expect([method, target, ...seen.map(({ status }) => status)]).toEqual([method, target, ...statuses]);
    }
  });

  it('checks every name of a form', async () => {
    const { port } = await startForTest(temporaryDirectory(), '--token-file', allTokens());
    const form = (directory: string) =>
      Buffer.from(
        `--x\r\nContent-Disposition: form-data; name="directory"\r\n\r\n${directory}\r\n` +
          '--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\ncontent\r\n--x--\r\n',
      );
    const upload = async (directory: string, token?: string) => {
      const headers = [['Content-Type', 'multipart/form-data; boundary=x']] as const;
      return (await ask(port, 'POST', '/upload', { token, body: form(directory), headers })).status;
    };
    expect(await upload('problems')).toBe(401);
    expect(await upload('problems', TOKENS.reader)).toBe(403);
    expect(await upload('problems', TOKENS.judge)).toBe(200);
    expect(await upload('problems-old', TOKENS.judge)).toBe(403);
    expect(await upload('problems-old', TOKENS.writer)).toBe(200);
    const list = await ask(port, 'GET', '/list', { token: TOKENS.admin });
    expect(message(list)).toBe('problems-old/a\nproblems/a\n');
  });

  it('checks every name of a batch, and takes a digest alone only from who may read everything', async () => {
    const { port } = await startForTest(temporaryDirectory(), '--token-file', allTokens());
    const line = (name: string, rest: object) => `${JSON.stringify({ name, version: 1000, ...rest })}\n`;
    const digest = sha256(Buffer.from('x'));
    const body = Buffer.from(
      `${line('problems/a', { size: 1 })}x${line('other/a', { size: 1 })}x${line('problems/b', { digest })}`,
    );
    const batch = async (token?: string) => {
      const headers = [['Content-Type', BATCH_TYPE]] as const;
      const reply = await ask(port, 'POST', '/batch', { token, body, headers });
      if (reply.status !== 200) return reply.status;
      const lines = reply.body.toString().trimEnd().split('\n');
      return lines.map((text) => (JSON.parse(text) as { code?: string }).code);
    };
    expect(await batch()).toBe(401);
    expect(await batch(TOKENS.reader)).toBe(403);
    expect(await batch(TOKENS.judge)).toEqual([undefined, 'forbidden', 'content_missing']);
    expect(await batch(TOKENS.writer)).toEqual([undefined, undefined, 'content_missing']);
    expect(await batch(TOKENS.admin)).toEqual([undefined, undefined, undefined]);
  });

  it('says what is missing, takes the token as password too, and never logs one', async () => {
    const server = await startForTest(
      temporaryDirectory(),
      '--token-file',
      allTokens(),
      '--log-level',
      'trace',
    );
    const { port } = server;
    const none = await ask(port, 'GET', '/files/a');
    expect(none.status).toBe(401);
    expect(none.headers.get('www-authenticate')).toBe(
      'Bearer realm="filetracker", Basic realm="filetracker"',
    );
    expect(message(none)).toBe('this server wants a token\n');
    for (const token of ['wrong-0123456789', `${TOKENS.reader}x`, TOKENS.reader.slice(0, -1), 'sha256:x']) {
      const wrong = await ask(port, 'GET', '/files/a', { token });
      expect([wrong.status, message(wrong)]).toEqual([401, 'the token is not valid here\n']);
    }
    const json = await ask(port, 'GET', '/list/other', {
      token: TOKENS.judge,
      headers: [['Filetracker-Protocol', '3']],
    });
    expect([json.status, JSON.parse(message(json))]).toEqual([
      403,
      { code: 'forbidden', message: 'the token is good for "/problems" only' },
    ]);
    for (const user of ['', 'anybody']) {
      const credentials = Buffer.from(`${user}:${TOKENS.reader}`).toString('base64');
      const reply = await ask(port, 'GET', '/list/', {
        headers: [['Authorization', `Basic ${credentials}`]],
      });
      expect(reply.status).toBe(200);
    }
    await vi.waitFor(() => expect(server.log()).toContain('"url":"/list/"'), PATIENTLY);
    for (const token of Object.values(TOKENS)) expect(server.log()).not.toContain(token);
  });

  it('refuses a large upload before it is stored, with an answer that arrives', async () => {
    const { port } = await startForTest(temporaryDirectory(), '--token-file', allTokens());
    const body = incompressible('refused', 5_000_000);
    const reply = await ask(port, 'PUT', fileTarget('a', 1), { body, token: TOKENS.reader });
    expect([reply.status, message(reply)]).toEqual([403, 'the token has no permission to write\n']);
  });

  it('gives no content of others to a digest alone, nor says that it is there', async () => {
    const { port } = await startForTest(temporaryDirectory(), '--token-file', allTokens());
    const body = incompressible('secret of others', 5000);
    const digest = sha256(body);
    await ask(port, 'PUT', fileTarget('secret', 1), { token: TOKENS.admin, body });
    const putByDigest = async (token: string, wanted: string) => {
      const headers = [['Filetracker-Protocol', '3'] as const, ['SHA256-Checksum', wanted] as const];
      const reply = await ask(port, 'PUT', fileTarget('problems/a', 2), { token, headers });
      return [reply.status, reply.body.toString()];
    };
    for (const token of [TOKENS.judge, TOKENS.writer]) {
      const refusal = await putByDigest(token, digest);
      expect(refusal).toEqual([404, expect.stringContaining('content_missing')]);
      expect(await putByDigest(token, sha256(Buffer.from('nothing')))).toEqual(refusal);
    }
    const missing = await ask(port, 'GET', fileTarget('problems/a'), { token: TOKENS.judge });
    expect(missing.status).toBe(404);
    expect((await putByDigest(TOKENS.admin, digest))[0]).toBe(200);
  });

  it('is read again on SIGHUP, by every worker; a broken file changes nothing', async () => {
    const path = tokenFile(`${TOKENS.reader} read`);
    const server = await startForTest(temporaryDirectory(), '--token-file', path, '--workers', '2');
    await vi.waitFor(() => expect(server.log().match(/serving /g)).toHaveLength(2), PATIENTLY);
    const statuses = async (token: string) =>
      new Set(
        (
          await Promise.all(Array.from({ length: 8 }, () => ask(server.port, 'GET', '/list/', { token })))
        ).map(({ status }) => status),
      );
    const becomes = (token: string, status: number) =>
      vi.waitFor(async () => expect(await statuses(token)).toEqual(new Set([status])), PATIENTLY);
    await becomes(TOKENS.reader, 200);
    await becomes(TOKENS.admin, 401);
    writeFileSync(path, `${TOKENS.admin} admin\n`);
    server.child.kill('SIGHUP');
    await becomes(TOKENS.admin, 200);
    await becomes(TOKENS.reader, 401);
    writeFileSync(path, `${TOKENS.reader} everything\n`);
    server.child.kill('SIGHUP');
    await vi.waitFor(
      () => expect(server.log()).toContain('the tokens are still those read before'),
      PATIENTLY,
    );
    expect(server.log()).toContain('line 1: behind the token come its permissions: read, write, admin');
    await becomes(TOKENS.admin, 200);
    expect(server.log()).not.toContain(TOKENS.reader);
  });

  it('that cannot be used stops the start, with the line and without the token', async () => {
    const start = (...lines: string[]) =>
      runServer('-d', temporaryDirectory(), '--token-file', tokenFile(...lines));
    expectRefusal(await start('short read'), /line 1: a token has 16 characters or more/);
    expectRefusal(await start('#', TOKENS.reader), /line 2: behind the token come its permissions/);
    expectRefusal(await start(`${TOKENS.reader} read a`), /line 1: the directory must begin with "\/"/);
    expectRefusal(await start(`${TOKENS.reader} read /a/../b`), /line 1: /);
    expectRefusal(await start(`${TOKENS.reader} admin /a`), /line 1: admin cannot be limited/);
    expectRefusal(await start(`${TOKENS.reader} read /a b`), /line 1: there is something behind/);
    const twice = await start(`${TOKENS.reader} read`, `${TOKENS.reader} write`);
    expectRefusal(twice, /line 2: this token was given before/);
    expect(twice.stderr).not.toContain(TOKENS.reader);
    expectRefusal(
      await runServer('-d', temporaryDirectory(), '--token-file', '/nowhere/tokens'),
      /cannot read the token file: .*\/nowhere\/tokens/,
    );
  });

  it('warns of a file that everybody may read, and of an address that everybody may reach', async () => {
    const path = allTokens();
    chmodSync(path, 0o644);
    const open = await startForTest(temporaryDirectory(), '--token-file', path, '-l', '0.0.0.0');
    expect(open.log()).toContain('everybody on this machine may read');
    expect(open.log()).not.toContain('whoever reaches this address');
    const bare = await startForTest(temporaryDirectory(), '-l', '0.0.0.0');
    expect(bare.log()).toContain('whoever reaches this address may read and change everything');
  });
});

describe('--max-requests-per-second', () => {
  it('refuses what an address sends beyond it, whatever it is, and takes the next second', async () => {
    const { port } = await startForTest(temporaryDirectory(), '--max-requests-per-second', '5');
    const started = performance.now();
    const replies = await Promise.all(
      Array.from({ length: 100 }, (_, n) => ask(port, 'GET', n % 2 === 0 ? '/version' : '/nonsense')),
    );
    const seconds = Math.ceil((performance.now() - started) / 1000);
    const refused = replies.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(replies.length - refused.length).toBeLessThanOrEqual(5 * (seconds + 1));
    for (const reply of refused) {
      expect(Number(reply.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      expect(message(reply)).toContain('more than 5 requests a second');
    }
    await vi.waitFor(async () => expect((await ask(port, 'GET', '/version')).status).toBe(200), PATIENTLY);
  });

  it('counts the clients of a trusted proxy one by one, and believes nobody else', async () => {
    const flood = async (port: number) => {
      const replies = await Promise.all(
        Array.from({ length: 100 }, (_, n) =>
          ask(port, 'GET', '/version', { headers: [['X-Forwarded-For', `10.1.0.${n}`]] }),
        ),
      );
      return replies.filter(({ status }) => status === 429).length;
    };
    const flags = ['--max-requests-per-second', '5'];
    const trusting = await startForTest(temporaryDirectory(), ...flags, '--trust-proxy', '127.0.0.0/8');
    expect(await flood(trusting.port)).toBe(0);
    const distrusting = await startForTest(temporaryDirectory(), ...flags, '--trust-proxy', '10.0.0.1');
    expect(await flood(distrusting.port)).toBeGreaterThan(0);
  });
});
