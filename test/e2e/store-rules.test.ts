import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { incompressible } from '../support/contents.js';
import { deleteFile, getFile, putFile, storeTotals } from '../support/file-requests.js';
import { PATIENTLY } from '../support/patiently.js';
import { rawRequest } from '../support/raw-http.js';
import { expectRefusal, run, runServer, startForTest } from '../support/server-command.js';
import type { ServerProcess } from '../support/server-process.js';
import { blobFiles, storeFiles } from '../support/store-files.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const MIGRATE = fileURLToPath(new URL('../../packages/cli/dist/bin/filetracker-migrate.js', import.meta.url));

/** A content that is kept as a blob. */
const contentOf = (version: number) => incompressible(`version ${version}`, 10_000);

async function putVersions(port: number, ...versions: readonly number[]): Promise<void> {
  for (const version of versions) {
    const reply = await putFile(port, { name: 'a', version, content: contentOf(version) });
    expect(reply.status).toBe(200);
  }
}

async function keptVersions(port: number): Promise<number> {
  const reply = await rawRequest(port, { method: 'GET', target: '/status' });
  return (JSON.parse(reply.body.toString()) as { kept_versions: number }).kept_versions;
}

/** Waits until the store keeps so many versions of the past and has so many blobs. */
function expectKept(port: number, directory: string, versions: number, blobs: number): Promise<void> {
  return vi.waitFor(async () => {
    expect(await keptVersions(port)).toBe(versions);
    expect(blobFiles(directory)).toHaveLength(blobs);
  }, PATIENTLY);
}

describe('the history', () => {
  it('keeps only the newest version by default, and gives the space of others back', async () => {
    const directory = temporaryDirectory();
    const { port } = await startForTest(directory);
    await putVersions(port, 1, 2, 3);
    await expectKept(port, directory, 0, 1);
  });

  it('--keep-versions keeps so many, over restarts, until it is lowered or left out', async () => {
    const directory = temporaryDirectory();
    const first = await startForTest(directory, '--keep-versions', '4');
    await putVersions(first.port, 1, 2, 3, 4, 5);
    await expectKept(first.port, directory, 3, 4);
    await first.end();
    const second = await startForTest(directory, '--keep-versions', '2');
    await expectKept(second.port, directory, 1, 2);
    expect((await deleteFile(second.port, 'a', 9)).status).toBe(200);
    expect((await getFile(second.port, 'a')).status).toBe(404);
    await expectKept(second.port, directory, 1, 1);
    await second.end();
    const third = await startForTest(directory);
    await expectKept(third.port, directory, 0, 0);
    expect(await storeTotals(third.port)).toMatchObject({ files: 0, contents: 0, stored_bytes: 0 });
  });

  it('a server that would keep something else than one that runs is refused; one that only reads keeps nothing', async () => {
    const directory = temporaryDirectory();
    const first = await startForTest(directory, '--keep-versions', '4');
    await putVersions(first.port, 1, 2, 3);
    for (const flags of [[], ['--keep-versions', '4', '--keep-for', '1h']])
      expectRefusal(
        await runServer('-d', directory, ...flags),
        /a process that keeps 4 versions, .*--keep-for/,
      );
    await startForTest(directory, '--read-only');
    await startForTest(directory, '--keep-versions', '4');
    await expectKept(first.port, directory, 2, 3);
  });

  it('filetracker-migrate keeps what the servers of a store keep', async () => {
    const directory = temporaryDirectory();
    const first = await startForTest(directory, '--keep-versions', '4');
    await putVersions(first.port, 1, 2, 3);
    await first.end();
    const source = temporaryDirectory();
    writeFileSync(join(source, 'a'), 'newer');
    expect(await run([process.execPath, MIGRATE, source, '--to', directory])).toMatchObject({ code: 0 });
    const second = await startForTest(directory, '--keep-versions', '4');
    await expectKept(second.port, directory, 3, 3);
  });

  it('--keep-for forgets what was overwritten or deleted so long ago, also what was before a crash', async () => {
    const directory = temporaryDirectory();
    const first = await startForTest(directory, '--keep-for', '1h');
    await putVersions(first.port, 1, 2);
    expect((await deleteFile(first.port, 'a', 2)).status).toBe(200);
    await expectKept(first.port, directory, 2, 2);
    await first.end('SIGKILL');
    const second = await startForTest(directory, '--keep-for', '0.1s', '--workers', '2');
    await expectKept(second.port, directory, 0, 0);
    await putVersions(second.port, 1, 2);
    await expectKept(second.port, directory, 0, 1);
  });
});

describe('protection of a whole store', () => {
  it('--append-only adds, takes the same once more, and refuses everything else', async () => {
    const directory = temporaryDirectory();
    const { port } = await startForTest(directory, '--append-only');
    await putVersions(port, 5, 5);
    const put = (version: number, content: Buffer) => putFile(port, { name: 'a', version, content });
    expect((await put(4, contentOf(4))).status).toBe(200);
    const refused = await put(6, contentOf(6));
    expect(refused.status).toBe(403);
    expect(refused.headers.get('x-exception')).toBe(
      '"/a" is stored already and cannot be overwritten: this server only adds files',
    );
    expect((await put(5, contentOf(6))).status).toBe(403);
    expect((await deleteFile(port, 'a', 9)).status).toBe(403);
    expect((await getFile(port, 'a')).body).toEqual(contentOf(5));
    await expectKept(port, directory, 0, 1);
  });

  it('--read-only refuses all changes and leaves the store as it is', async () => {
    const directory = temporaryDirectory();
    const writer = await startForTest(directory, '--keep-versions', '9');
    await putVersions(writer.port, 1, 2);
    await writer.end();
    const before = storeFiles(directory);
    const { port, end } = await startForTest(directory, '--read-only');
    expect((await getFile(port, 'a')).body).toEqual(contentOf(2));
    const refused = await putFile(port, { name: 'b', version: 1, content: contentOf(1) });
    expect(refused.status).toBe(403);
    expect(refused.headers.get('x-exception')).toBe('this server only reads');
    expect((await deleteFile(port, 'a', 9)).status).toBe(403);
    expect((await rawRequest(port, { method: 'GET', target: '/healthz' })).status).toBe(200);
    expect(await keptVersions(port)).toBe(1);
    await end();
    expect(storeFiles(directory)).toEqual(before);
  });

  it('--read-only makes no store', async () => {
    const directory = join(temporaryDirectory(), 'missing');
    expectRefusal(await runServer('-d', directory, '--read-only'), /is not a Filetracker store/);
    expect(existsSync(directory)).toBe(false);
  });

  it('--quota limits directories, over processes and restarts, and /status says what is used', async () => {
    const directory = temporaryDirectory();
    const quotas = async (port: number) => {
      const reply = await rawRequest(port, { method: 'GET', target: '/status' });
      return (JSON.parse(reply.body.toString()) as { quotas: unknown }).quotas;
    };
    const put = (port: number, name: string, size: number) =>
      putFile(port, { name, version: 1, content: Buffer.alloc(size) });

    const first = await startForTest(directory);
    for (const name of ['d/a', 'd/b', 'other']) await put(first.port, name, 400);
    await first.end();

    const flags = ['--quota', '/d=1KiB', '--quota', '/d/e=files:1'];
    const servers = await Promise.all([1, 2].map(() => startForTest(directory, ...flags, '--workers', '2')));
    const [{ port }, { port: otherPort }] = servers as [ServerProcess, ServerProcess];
    const expected = (bytes: number, files: number) => [
      { directory: '/d', unit: 'bytes', limit: 1024, used: bytes, counting: false },
      { directory: '/d/e', unit: 'files', limit: 1, used: files, counting: false },
    ];
    await vi.waitFor(async () => expect(await quotas(port)).toEqual(expected(800, 0)), PATIENTLY);
    const refused = await put(port, 'd/c', 225);
    expect(refused.status).toBe(507);
    expect(refused.headers.get('x-exception')).toBe(
      'the quota of "/d" is 1024 bytes: 800 are used, and 225 more are needed',
    );
    expect((await put(otherPort, 'd/e/x', 24)).status).toBe(200);
    expect((await put(port, 'd/e/y', 0)).status).toBe(507);
    expect((await put(port, 'd/c', 200)).status).toBe(200);
    expect((await put(otherPort, 'd/f', 1)).status).toBe(507);
    expect((await put(otherPort, 'other', 100_000)).status).toBe(200);
    expect(await quotas(otherPort)).toEqual(expected(1024, 1));
    await Promise.all(servers.map((server) => server.end('SIGKILL')));
    const last = await startForTest(directory, ...flags);
    expect(await quotas(last.port)).toEqual(expected(1024, 1));
  });

  it('says what is wrong with an option', async () => {
    for (const [flags, reason] of [
      [['--keep-versions', '0'], /whole number from 1/],
      [['--keep-for', '0d'], /a time such as/],
      [['--keep-for', '30'], /a time such as/],
      [['--quota', 'd=1G'], /a directory and a limit/],
      [['--quota', '/d=lots'], /a directory and a limit/],
      [['--quota', '/d/../e=1G'], /\.\./],
    ] as const) {
      const ended = await runServer('-d', temporaryDirectory(), ...flags);
      expect(ended.code).toBe(2);
      expect(ended.stderr).toMatch(reason);
    }
  });
});
