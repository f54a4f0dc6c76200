import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { incompressible } from '../support/contents.js';
import { failingCommits } from '../support/failing-commits.js';
import { getFile, putFile } from '../support/file-requests.js';
import { PATIENTLY } from '../support/patiently.js';
import { startForTest } from '../support/server-command.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const kept = incompressible('kept', 100_000);

const put = (port: number, name: string, content = kept) => putFile(port, { name, version: 1, content });

/** Whether a put is answered with 200; a connection that breaks is no answer. */
const stores = (port: number, name: string) =>
  put(port, name).then(
    ({ status }) => status === 200,
    () => false,
  );

describe('I7: a disk that fails in the last write of a commit, after which LMDB wants to be opened anew', () => {
  it('a server alone ends with the reason in its log, and starts again with what it acknowledged', async () => {
    const commits = failingCommits();
    const directory = temporaryDirectory();
    const server = await startForTest(directory);
    expect((await put(server.port, 'kept')).status).toBe(200);
    const ended = once(server.child, 'exit');
    commits.on();
    expect(await stores(server.port, 'lost')).toBe(false);
    expect(await ended).toEqual([null, 'SIGKILL']);
    await expect
      .poll(server.log, PATIENTLY)
      .toMatch(/EIO.*this process can use the store no more and ends; start it again/);
    commits.off();
    const { port } = await startForTest(directory);
    expect((await getFile(port, 'kept')).body).toEqual(kept);
    expect((await getFile(port, 'lost')).status).toBe(404);
    expect(await stores(port, 'lost')).toBe(true);
  });

  it('a worker is replaced, and writes resume by themselves', async () => {
    const commits = failingCommits();
    const server = await startForTest(temporaryDirectory(), '--workers', '2');
    expect((await put(server.port, 'kept')).status).toBe(200);
    commits.on();
    expect(await stores(server.port, 'lost')).toBe(false);
    commits.off();
    await expect.poll(() => stores(server.port, 'again'), PATIENTLY).toBe(true);
    for (const name of ['kept', 'again']) expect((await getFile(server.port, name)).body).toEqual(kept);
    expect(server.log()).toContain('a worker died and is replaced');
    expect(await server.end()).toBe(0);
  });
});
