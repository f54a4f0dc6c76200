import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { incompressible } from '../support/contents.js';
import { deleteFile, getFile, putFile } from '../support/file-requests.js';
import { makeTmpfs } from '../support/file-systems.js';
import { filetracker } from '../support/filetracker-process.js';
import { recover } from '../support/recovery.js';
import { isRoot } from '../support/root.js';
import { expectRefusal, runServer, startForTest } from '../support/server-command.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const LARGE = incompressible('large', 3_000_000);

/** A store with a small and a large file, in a directory of a disk. */
async function fillStore(directory: string): Promise<void> {
  const server = await startForTest(directory);
  await putFile(server.port, { name: 'small', version: 1, content: Buffer.from('small') });
  await putFile(server.port, { name: 'd/large', version: 2, content: LARGE });
  await putFile(server.port, { name: 'gone', version: 3, content: Buffer.from('gone') });
  await deleteFile(server.port, 'gone', 3);
  await server.end();
}

/** Every path below a directory and when it was changed. */
function snapshot(directory: string): readonly string[] {
  const paths = readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
  return paths.map((path) => `${path} ${statSync(join(directory, path)).ctimeMs}`);
}

describe.runIf(isRoot)('a store on a disk that is mounted read-only', () => {
  it.each([
    ['that a server has used', (_directory: string) => {}],
    [
      'that is a backup which no server has used',
      (directory: string) => {
        for (const part of ['journal', 'checkpoints', 'tmp', 'metadata/lock.mdb', 'retention.json']) {
          execFileSync('rm', ['-rf', join(directory, part)]);
        }
      },
    ],
  ])('is served with --read-only, looked through and exported: one %s', async (_, prepare) => {
    const disk = makeTmpfs(64);
    const directory = join(disk.path, 'store');
    await fillStore(directory);
    prepare(directory);
    const before = snapshot(disk.path);
    execFileSync('mount', ['-o', 'remount,ro', disk.path]);
    expectRefusal(await runServer('-d', directory), /the file system is read-only/);

    const server = await startForTest(directory, '--read-only', '--workers', '2');
    expect((await getFile(server.port, 'small')).body.toString()).toBe('small');
    expect((await getFile(server.port, 'd/large')).body.equals(LARGE)).toBe(true);
    expect((await getFile(server.port, 'gone')).status).toBe(404);
    const get = (path: string) => fetch(`${server.url}${path}`);
    expect((await (await get('/list')).text()).split('\n').sort()).toEqual(['', 'd/large', 'small']);
    expect((await get('/healthz')).status).toBe(200);
    expect(await (await get('/status')).json()).toMatchObject({ files: 2, damaged_contents: 0 });
    expect((await get('/changes?since=0')).status).toBe(200);
    expect((await putFile(server.port, { name: 'new', version: 1, content: LARGE })).status).toBe(403);
    expect((await deleteFile(server.port, 'small', 9)).status).toBe(403);
    expect(await recover(directory, '--online', '--full')).toMatchObject({ code: 0 });
    expect(await server.end()).toBe(0);

    expect(await recover(directory, '--full', '--dry-run')).toMatchObject({ code: 0 });
    const cwd = temporaryDirectory();
    const exported = await filetracker(['--store', directory, 'out'], { cwd, program: 'filetracker-export' });
    expect(exported).toMatchObject({ code: 0 });
    expect(readdirSync(join(cwd, 'out')).sort()).toEqual(['d', 'small']);
    expect(snapshot(disk.path)).toEqual(before);
  });

  it('is refused through a read-only mount of a disk that others write to', async () => {
    const disk = makeTmpfs(64);
    await fillStore(join(disk.path, 'store'));
    const seen = join(temporaryDirectory(), 'seen');
    mkdirSync(seen);
    execFileSync('mount', ['--bind', disk.path, seen]);
    onTestFinished(() => void execFileSync('umount', [seen]));
    execFileSync('mount', ['-o', 'remount,ro,bind', seen]);
    expectRefusal(await runServer('-d', join(seen, 'store'), '--read-only'), /the file system is read-only/);
  });
});
