import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConnectionError, RemoteDataStore } from '@filetracker/client';
import { parseFileName, toVersion } from '@filetracker/protocol';
import { expect, it, onTestFinished } from 'vitest';
import { PatientTarget } from '#cli/migrate/patient-target.js';
import { ServerTarget } from '#cli/migrate/server-target.js';
import { singleChunk } from '#cli/single-chunk.js';
import { incompressible } from '../support/contents.js';
import { filetracker, startFiletracker } from '../support/filetracker-process.js';
import { PATIENTLY } from '../support/patiently.js';
import { startForTest } from '../support/server-command.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

it('a server that is killed and comes back in the middle of a migration is waited for', async () => {
  const cwd = temporaryDirectory();
  const store = join(cwd, 'store');
  mkdirSync(join(cwd, 'files/large'), { recursive: true });
  for (let index = 0; index < 2000; index++) writeFileSync(join(cwd, `files/${index}`), `content ${index}`);
  for (let index = 0; index < 20; index++) {
    writeFileSync(join(cwd, `files/large/${index}`), incompressible(String(index), 500_000));
  }
  const server = await startForTest(store);
  const child = startFiletracker(['-v', '-j', '8', 'files', server.url], {
    cwd,
    program: 'filetracker-migrate',
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const closed = once(child, 'close');
  await expect.poll(() => said, PATIENTLY).toContain('stored');
  await server.end('SIGKILL');
  await expect.poll(() => said, PATIENTLY).toContain('waiting for it');
  await startForTest(store, '-p', String(server.port));
  expect(await closed).toEqual([0, null]);
  expect(said.match(/waiting for it/g)).toHaveLength(1);
  const again = await filetracker(['--json', 'files', server.url], { cwd, program: 'filetracker-migrate' });
  expect(JSON.parse(again.stdout)).toMatchObject({ stored: 0, unchanged: 2020, complete: true });
}, 120_000);

it('a server that does not come back ends a migration with one failure, for all of its files', async () => {
  const server = await startForTest(temporaryDirectory());
  const remote = new RemoteDataStore({ url: server.url, retries: 0 });
  const interrupt = new AbortController();
  const told: string[] = [];
  const target = new PatientTarget(new ServerTarget(remote), {
    patience: 300,
    pause: 20,
    onWaiting: (message) => told.push(message),
    signal: interrupt.signal,
  });
  onTestFinished(() => target.close());
  const bytes = Buffer.from('content');
  const content = { size: bytes.length, bytes, open: () => singleChunk(bytes) };
  const put = (name: string) => target.put(parseFileName(name), toVersion(1), content, {});
  expect(await put('a')).toBe(1);
  await server.end('SIGKILL');
  const failures = await Promise.allSettled([put('b'), put('c')]);
  for (const failure of failures)
    expect(failure).toMatchObject({ status: 'rejected', reason: expect.any(ConnectionError) as unknown });
  expect(target.gone.reason).toBeInstanceOf(ConnectionError);
  await expect(put('d')).rejects.toBe(target.gone.reason);
  expect(told).toEqual([expect.stringMatching(/; waiting for it up to 1 s$/)]);
});

it('a server that was never there is not waited for', async () => {
  const cwd = temporaryDirectory();
  mkdirSync(join(cwd, 'files'));
  const server = await startForTest(join(cwd, 'store'));
  await server.end();
  const ended = await filetracker(['files', server.url], { cwd, program: 'filetracker-migrate' });
  expect(ended.code).toBe(1);
  expect(ended.stderr).not.toMatch(/waiting for it/);
  expect(ended.stderr).toMatch(/^filetracker-migrate: cannot reach .*: is the server running\?$/m);
  // Many requests met the same failure.
  expect(ended.stderr.match(/trying again/g)).toHaveLength(1);
});
