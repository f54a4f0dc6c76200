import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConnectionError, RemoteDataStore } from '@filetracker/client';
import { type DirectoryName, formatDate, parseFileName, toVersion } from '@filetracker/protocol';
import { expect, it, onTestFinished } from 'vitest';
import { PatientTarget } from '#cli/migrate/patient-target.js';
import { ServerTarget } from '#cli/migrate/server-target.js';
import { singleChunk } from '#cli/single-chunk.js';
import { incompressible } from '../support/contents.js';
import { fillUp, makeTmpfs } from '../support/file-systems.js';
import { filetracker, startFiletracker } from '../support/filetracker-process.js';
import { PATIENTLY } from '../support/patiently.js';
import { isRoot } from '../support/root.js';
import { reply, startScriptedServer } from '../support/scripted-server.js';
import { startForTest } from '../support/server-command.js';
import { startTcpProxy } from '../support/tcp-proxy.js';
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
  // Eight connections do not carry it all, however late this one learns of what is stored.
  const proxy = await startTcpProxy(server.port);
  const letGo = proxy.holdAfter(500_000);
  const child = startFiletracker(['-v', '-j', '8', 'files', proxy.url], {
    cwd,
    program: 'filetracker-migrate',
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const closed = once(child, 'close');
  await expect.poll(() => said, PATIENTLY).toContain('stored');
  await server.end('SIGKILL');
  await expect.poll(() => said, PATIENTLY).toContain('waiting up to');
  letGo();
  await startForTest(store, '-p', String(server.port));
  expect(await closed).toEqual([0, null]);
  expect(said.match(/waiting up to/g)).toHaveLength(1);
  const again = await filetracker(['--json', 'files', server.url], { cwd, program: 'filetracker-migrate' });
  expect(JSON.parse(again.stdout)).toMatchObject({ stored: 0, unchanged: 2020, complete: true });
});

const LAST_MODIFIED = { 'Last-Modified': formatDate(toVersion(1)) };
const bytes = Buffer.from('content');
const content = { size: bytes.length, bytes, open: () => singleChunk(bytes) };

/** A target that loses its patience soon. */
function patientTarget(url: string, patience = 300) {
  const told: string[] = [];
  const target = new PatientTarget(new ServerTarget(new RemoteDataStore({ url, retries: 0 })), {
    patience,
    pause: 20,
    onWaiting: (message) => told.push(message),
    signal: new AbortController().signal,
  });
  onTestFinished(() => target.close());
  const put = (name: string) => target.put(parseFileName(name), toVersion(1), content, {});
  return { target, told, put };
}

it('a server that does not come back ends a migration with one failure, for all of its files', async () => {
  const server = await startForTest(temporaryDirectory());
  const { target, told, put } = patientTarget(server.url);
  expect(await put('a')).toBe(1);
  await server.end('SIGKILL');
  const failures = await Promise.allSettled([put('b'), put('c')]);
  for (const failure of failures)
    expect(failure).toMatchObject({ status: 'rejected', reason: expect.any(ConnectionError) as unknown });
  expect(target.gone.reason).toBeInstanceOf(ConnectionError);
  await expect(put('d')).rejects.toBe(target.gone.reason);
  expect(told).toEqual([expect.stringMatching(/; waiting up to 1 s$/)]);
});

it.runIf(isRoot)('a disk without room is waited for, and then ends it with one failure', async () => {
  const disk = makeTmpfs(48);
  const server = await startForTest(join(disk.path, 'store'));
  const { target, told, put } = patientTarget(server.url, 60_000);
  expect(await put('a')).toBe(1);
  const makeRoom = fillUp(disk, 0);
  const names = ['b', 'c'];
  const file = (name: string, index: number) => {
    const own = incompressible(name, 3000);
    const fresh = { size: own.length, bytes: own, open: () => singleChunk(own) };
    return { name: parseFileName(name), version: toVersion(index), content: fresh, likelyStored: false };
  };
  const storing = target.putBatch(names.map(file), {});
  await expect.poll(() => told, PATIENTLY).toHaveLength(1);
  expect(told[0]).toBe('HTTP/507: the server has no room left on its disk; waiting up to 60 s');
  makeRoom();
  expect(await storing).toEqual([0, 1]);

  fillUp(disk, 0);
  const hasty = patientTarget(server.url);
  for await (const _ of hasty.target.list('' as DirectoryName, new AbortController().signal));
  await expect(hasty.target.putBatch(['d', 'e'].map(file), {})).rejects.toThrow(/no room left/);
  expect(hasty.target.gone.reason).toMatchObject({ code: 'storage_full' });
});

it('what fails while all others get through fails alone', async () => {
  const server = await startScriptedServer((socket) => {
    const isBad = server.requests.at(-1)?.startsWith('PUT /files/bad');
    socket.write(reply('', isBad ? { status: '504 Gateway Timeout' } : { headers: LAST_MODIFIED }));
  });
  onTestFinished(() => server.close());
  const { target, put } = patientTarget(server.url, 100);
  await put('good/0');
  const failures: unknown[] = [];
  const bad = put('bad').catch((error: unknown) => failures.push(error));
  for (let index = 1; failures.length === 0; index++) await put(`good/${index}`);
  await bad;
  expect(failures).toMatchObject([{ status: 504 }]);
  expect(target.gone.aborted).toBe(false);
});

it('a server that was never there is not waited for', async () => {
  const cwd = temporaryDirectory();
  mkdirSync(join(cwd, 'files'));
  const server = await startForTest(join(cwd, 'store'));
  await server.end();
  const ended = await filetracker(['files', server.url], { cwd, program: 'filetracker-migrate' });
  expect(ended.code).toBe(1);
  expect(ended.stderr).not.toMatch(/waiting up to/);
  expect(ended.stderr).toMatch(/^filetracker-migrate: cannot reach .*: is the server running\?$/m);
  // Many requests met the same failure.
  expect(ended.stderr.match(/trying again/g)).toHaveLength(1);
});
