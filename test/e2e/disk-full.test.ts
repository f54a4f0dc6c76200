import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { incompressible } from '../support/contents.js';
import { deleteFile, getFile, putFile } from '../support/file-requests.js';
import {
  cutPower,
  fillUp,
  hasBtrfs,
  makeBtrfs,
  makeExt4,
  makeReadOnly,
  makeTmpfs,
  type TestFileSystem,
} from '../support/file-systems.js';
import { Load } from '../support/load.js';
import { PATIENTLY } from '../support/patiently.js';
import { rawRequest } from '../support/raw-http.js';
import { recover } from '../support/recovery.js';
import { isRoot } from '../support/root.js';
import { COMMAND, expectRefusal, run, runServer, startForTest } from '../support/server-command.js';
import { type ServerProcess, startServer } from '../support/server-process.js';
import { stagedFiles } from '../support/store-files.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const MEBIBYTE = 1024 * 1024;

/** A server whose store is on a file system of its own. */
async function serverOn(disk: TestFileSystem): Promise<{ server: ServerProcess; directory: string }> {
  const directory = join(disk.path, 'store');
  const server = await startServer(directory);
  onTestFinished(async () => void (await server.end('SIGKILL')));
  return { server, directory };
}

/** Takes all inodes of a disk that has few. Call what it returns to give them back. */
function useUpInodes(disk: TestFileSystem): () => void {
  const ballast = join(disk.path, 'ballast');
  mkdirSync(ballast);
  expect(() => {
    for (let n = 0; n < 1000; n++) writeFileSync(join(ballast, String(n)), '');
  }).toThrow(/ENOSPC/);
  return () => rmSync(ballast, { recursive: true });
}

describe.runIf(isRoot).each([
  ['tmpfs', () => makeTmpfs(48)],
  ['ext4', () => makeExt4(64)],
])('I7: a full disk, %s', (_, makeDisk) => {
  it('refuses what needs room with 507, serves what is there, and recovers when there is room', async () => {
    const disk = makeDisk();
    const { server, directory } = await serverOn(disk);
    const small = incompressible('small', 3000);
    const large = incompressible('large', 2 * MEBIBYTE);
    for (const [name, content] of Object.entries({ small, large })) {
      expect((await putFile(server.port, { name, version: 1, content })).status).toBe(200);
    }
    const makeRoom = fillUp(disk, MEBIBYTE);

    const stored = new Map<string, Buffer>();
    const statuses = new Set<number>();
    // Small files go into the metadata, large ones into blobs: both run out of room.
    for (let n = 0; n < 300; n += 10) {
      const replies = await Promise.all(
        Array.from({ length: 10 }, async (_, k) => {
          const name = `more/${n + k}`;
          const content = incompressible(name, k === 0 ? 2 * MEBIBYTE : 4000);
          const reply = await putFile(server.port, { name, version: 1, content });
          if (reply.status === 200) stored.set(name, content);
          else expect(reply.headers.get('x-exception')).toBe('the server has no room left on its disk');
          return reply.status;
        }),
      );
      for (const status of replies) statuses.add(status);
    }
    expect(statuses).toEqual(new Set([200, 507]));
    expect(stagedFiles(directory)).toEqual([]);

    for (const [name, content] of [...stored, ['small', small], ['large', large]] as const) {
      expect((await getFile(server.port, name)).body.equals(content)).toBe(true);
    }

    makeRoom();
    expect((await putFile(server.port, { name: 'again', version: 1, content: large })).status).toBe(200);
    const afterwards = incompressible('afterwards', MEBIBYTE);
    expect((await putFile(server.port, { name: 'more/0', version: 2, content: afterwards })).status).toBe(
      200,
    );
    expect((await getFile(server.port, 'more/0')).body.equals(afterwards)).toBe(true);
    expect((await deleteFile(server.port, 'small', 2)).status).toBe(200);
    expect(server.child.exitCode).toBe(null);
    expect(await server.end()).toBe(0);
  });

  it('nothing acknowledged is lost, and nothing is left behind, under a load that meets it again and again', async () => {
    const disk = makeDisk();
    const { server, directory } = await serverOn(disk);
    const load = new Load();
    for (let round = 0; round < 4; round++) {
      const makeRoom = fillUp(disk, 600_000);
      const stop = new AbortController();
      const running = load.run(server, { clients: 6, stop: stop.signal, mayFail: true });
      await Promise.race([
        vi.waitFor(() => expect(load.refused).toBeGreaterThan(20 * round + 20), PATIENTLY),
        running,
      ]);
      stop.abort();
      await running;
      makeRoom();
    }
    await load.verify(server, directory);
    expect(server.child.exitCode).toBe(null);
  });
});

describe.runIf(isRoot)('I7: a disk without a single free block', () => {
  it('a server that starts on it says so', async () => {
    const disk = makeExt4(64);
    const { server, directory } = await serverOn(disk);
    await server.end();
    // As in a copy of the store.
    rmSync(join(directory, 'metadata', 'lock.mdb'));
    fillUp(disk, 0);
    expectRefusal(await runServer('-d', directory), /no space is left on the disk/);
  });

  it.runIf(hasBtrfs)('btrfs: changes are refused, nothing else, and resume', async () => {
    const disk = makeBtrfs(128);
    const { server } = await serverOn(disk);
    const put = (name: string) =>
      putFile(server.port, { name, version: 1, content: incompressible(name, 3000) });
    expect((await put('before')).status).toBe(200);
    const makeRoom = fillUp(disk, 0);
    for (let n = 0; n < 100; n++) expect((await put(`more/${n}`)).status).toBe(507);
    expect((await getFile(server.port, 'before')).status).toBe(200);
    makeRoom();
    await expect.poll(async () => (await put('again')).status, PATIENTLY).toBe(200);
    expect(await server.end()).toBe(0);
  });
});

describe.runIf(isRoot)('I7: other disks that do not take what is written', () => {
  it('no inodes: large files get 507, small ones are stored', async () => {
    const disk = makeExt4(64, '-N', '400');
    const { server, directory } = await serverOn(disk);
    const put = (name: string, size: number) =>
      putFile(server.port, { name, version: 1, content: incompressible(name, size) });
    expect((await put('before', 1000)).status).toBe(200);
    const giveInodesBack = useUpInodes(disk);
    expect((await put('large', 100_000)).status).toBe(507);
    expect((await put('small', 1000)).status).toBe(200);
    expect(stagedFiles(directory)).toEqual([]);
    giveInodesBack();
    expect((await put('large', 100_000)).status).toBe(200);
  });

  it('a server, a recovery and a backup that cannot make their locks say so, and nothing is lost', async () => {
    const disk = makeExt4(64, '-N', '400');
    const { server, directory } = await serverOn(disk);
    const content = incompressible('kept', 100_000);
    expect((await putFile(server.port, { name: 'kept', version: 1, content })).status).toBe(200);
    await server.end();
    const locks = ['opening.lock', 'opening-queue.lock'].map((name) => join(directory, 'metadata', name));
    const giveInodesBack = useUpInodes(disk);
    for (const lock of locks) {
      // The other one is there, and its inode free for no one.
      rmSync(lock);
      writeFileSync(join(disk.path, 'ballast', basename(lock)), '');
      expectRefusal(await runServer('-d', directory), /no space is left on the disk/);
      const refused = await recover(directory, '--full');
      expect(refused).toMatchObject({ code: 3, stderr: expect.stringMatching(/no space is left/) as string });
      const backup = join(temporaryDirectory(), 'backup');
      const command = [process.execPath, COMMAND, 'backup', '-d', directory, backup] as const;
      expectRefusal(await run([...command]), /cannot open the store in .*no space is left/);
    }
    giveInodesBack();
    const again = await startForTest(directory);
    expect((await getFile(again.port, 'kept')).body.equals(content)).toBe(true);
    expect((await putFile(again.port, { name: 'more', version: 1, content })).status).toBe(200);
    await again.end();
    expect(await recover(directory, '--full')).toMatchObject({ code: 0 });
  });

  it('a disk that becomes read-only: reads go on, changes get 503, and all is there once it is mounted anew', async () => {
    const disk = makeExt4(64, '-e', 'remount-ro');
    const { server, directory } = await serverOn(disk);
    const large = incompressible('large', 2 * MEBIBYTE);
    const small = incompressible('small', 1000);
    const reads = async ({ port }: ServerProcess) => {
      expect((await getFile(port, 'large')).body.equals(large)).toBe(true);
      expect((await getFile(port, 'small')).body.equals(small)).toBe(true);
      expect((await rawRequest(port, { method: 'GET', target: '/list/' })).body.toString()).toBe(
        'large\nsmall\n',
      );
    };
    for (const [name, content] of Object.entries({ large, small })) {
      expect((await putFile(server.port, { name, version: 1, content })).status).toBe(200);
    }
    makeReadOnly(disk);
    const health = () => rawRequest(server.port, { method: 'GET', target: '/healthz' });
    for (let round = 0; round < 3; round++) {
      for (const size of [100, 100_000, 2 * MEBIBYTE]) {
        const content = incompressible('lost', size);
        const reply = await putFile(server.port, { name: 'lost', version: 1, content });
        expect([reply.status, reply.headers.get('x-exception')]).toEqual([
          503,
          "the server's disk is read-only",
        ]);
      }
      expect((await deleteFile(server.port, 'small', 2)).status).toBe(503);
      await reads(server);
    }
    await vi.waitFor(async () => expect((await health()).status).toBe(503), PATIENTLY);
    await server.end('SIGKILL');
    disk.unmount();
    disk.mount();
    const again = await startServer(directory);
    onTestFinished(async () => void (await again.end('SIGKILL')));
    await reads(again);
    expect((await putFile(again.port, { name: 'lost', version: 1, content: large })).status).toBe(200);
    await again.end('SIGKILL');
  });

  it('a disk that fails: requests fail, the server stays, and what was acknowledged is there afterwards', async () => {
    const disk = makeExt4(64);
    const { server, directory } = await serverOn(disk);
    const content = incompressible('kept', 2 * MEBIBYTE);
    expect((await putFile(server.port, { name: 'kept', version: 1, content })).status).toBe(200);
    cutPower(join(directory, 'format.json'));
    for (const size of [100, 100_000, 2 * MEBIBYTE]) {
      const reply = await putFile(server.port, {
        name: 'lost',
        version: 1,
        content: incompressible('lost', size),
      });
      expect(reply.status).toBe(500);
      expect(reply.headers.get('x-exception')).toMatch(/its log says why/);
    }
    expect((await deleteFile(server.port, 'kept', 2)).status).toBe(500);
    expect(server.child.exitCode).toBe(null);
    await server.end('SIGKILL');
    disk.unmount();
    disk.mount();
    const again = await startServer(directory);
    onTestFinished(async () => void (await again.end('SIGKILL')));
    expect((await getFile(again.port, 'kept')).body.equals(content)).toBe(true);
    expect((await getFile(again.port, 'lost')).status).toBe(404);
    await again.end('SIGKILL');
  });
});
