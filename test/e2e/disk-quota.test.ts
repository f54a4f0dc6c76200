import { appendFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { transactionError } from '#server/metadata/lmdb/commit-error.js';
import { incompressible } from '../support/contents.js';
import { getFile, putFile } from '../support/file-requests.js';
import { hasBtrfs, makeQuota } from '../support/file-systems.js';
import { filetracker } from '../support/filetracker-process.js';
import { recover } from '../support/recovery.js';
import { isRoot } from '../support/root.js';
import { COMMAND, expectRefusal, run, startForTest } from '../support/server-command.js';
import { startServer } from '../support/server-process.js';
import { stagedFiles } from '../support/store-files.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const MEBIBYTE = 1024 * 1024;

/** Appends to a file until there is no room for more. */
function useUp(file: string): void {
  expect(() => {
    for (;;) appendFileSync(file, incompressible(file, MEBIBYTE), { flush: true });
  }).toThrow(/unknown error/);
}

describe.runIf(isRoot && hasBtrfs)('a disk quota that is used up', () => {
  it('I7: changes are refused with 507, what is there is served, and a recovery says so', async () => {
    const { path } = makeQuota(8);
    const directory = join(path, 'store');
    const server = await startServer(directory);
    onTestFinished(async () => void (await server.end('SIGKILL')));
    const put = (name: string, size: number) =>
      putFile(server.port, { name, version: 1, content: incompressible(name, size) });
    expect((await put('before', 3000)).status).toBe(200);
    const large = await put('large', 12 * MEBIBYTE);
    expect(large.status).toBe(507);
    expect(large.headers.get('x-exception')).toBe('the server has used up its disk quota');
    expect(stagedFiles(directory)).toEqual([]);
    expect((await getFile(server.port, 'before')).status).toBe(200);
    expect(await server.end()).toBe(0);

    rmSync(join(directory, 'metadata'), { recursive: true });
    useUp(join(path, 'ballast'));
    expect(await recover(directory, '--rebuild')).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/: the disk quota is used up; make room within it/) as string,
    });
  });

  it('a commit that came out short is told from one that met a broken disk', async () => {
    const { path } = makeQuota(2);
    // What LMDB tells of a write that was cut: EIO.
    const failure = () => ({ commitError: Promise.reject(Object.assign(new Error('cut'), { code: 5 })) });
    expect(await transactionError(failure(), path)).toMatchObject({ code: 'EIO' });
    useUp(join(path, 'ballast'));
    expect(await transactionError(failure(), path)).toMatchObject({ code: 'EDQUOT' });
    expect(readdirSync(path)).toEqual(['ballast']);
  });

  it('a backup and a download say so', async () => {
    const cwd = temporaryDirectory();
    const directory = join(cwd, 'store');
    const server = await startForTest(directory);
    const content = incompressible('large', 4 * MEBIBYTE);
    expect((await putFile(server.port, { name: 'large', version: 1, content })).status).toBe(200);
    const { path } = makeQuota(2);

    const get = await filetracker(['-r', server.url, 'get', '/large', join(path, 'copy')], { cwd });
    expect(get).toMatchObject({ code: 1, stderr: expect.stringMatching(/: disk quota exceeded/) as string });

    const target = join(path, 'backup');
    expectRefusal(
      await run([process.execPath, COMMAND, 'backup', '-d', directory, target]),
      /no space is left for the backup in .*backup; what was/,
    );
  });
});
