import { rmdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CheckpointDirectory } from '#server/metadata/checkpoints/checkpoint-directory.js';
import type { JournalChange } from '#server/metadata/journal/codec.js';
import { journalPath } from '#server/metadata/journal/files.js';
import { EMPTY_STATE } from '#server/metadata/journal/state.js';
import { JournalWriter } from '#server/metadata/journal/writer.js';
import { incompressible } from '../support/contents.js';
import { environmentRows, rebuild } from '../support/environment-rows.js';
import { getFile, putFile } from '../support/file-requests.js';
import { cutPower, failBehind, makeExt4, type TestFileSystem } from '../support/file-systems.js';
import { PATIENTLY } from '../support/patiently.js';
import { recover } from '../support/recovery.js';
import { isRoot } from '../support/root.js';
import { startForTest } from '../support/server-command.js';
import type { ServerProcess } from '../support/server-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/** Small enough to be kept in the metadata, and larger than what is left of a block. */
const contentOf = (name: string) => incompressible(name, 3500);

/** Whether a put is acknowledged; a connection that breaks is no answer. */
const stores = (port: number, name: string) =>
  putFile(port, { name, version: 1, content: contentOf(name) }).then(
    ({ status }) => status === 200,
    () => false,
  );

function isUnmounted(disk: TestFileSystem): boolean {
  try {
    disk.unmount();
    return true;
  } catch {
    return false;
  }
}

const alive = ({ child }: ServerProcess) => child.exitCode === null && child.signalCode === null;

describe.runIf(isRoot)('a disk that fails for a moment, after which it lacks what it showed before', () => {
  it.each([
    [[]],
    [['--workers', '2']],
  ])('I1: what is acknowledged later is there after a power cut (%s)', async (flags) => {
    const disk = makeExt4(64, '-b', '4096');
    const directory = join(disk.path, 'store');
    let server = await startForTest(directory, ...flags);
    const acknowledged: string[] = [];
    const put = async (name: string) => {
      const isStored = await stores(server.port, name);
      if (isStored) acknowledged.push(name);
      return isStored;
    };
    for (let n = 0; n < 10; n++) expect(await put(`before ${n}`)).toBe(true);
    const restore = failBehind(disk, join(directory, 'metadata/data.mdb'));
    for (let n = 0; await put(`meanwhile ${n}`); n++);
    restore();
    // Processes that cannot tell any more how the metadata is end, each once.
    await expect
      .poll(async () => {
        if (!alive(server)) server = await startForTest(directory, ...flags);
        return put('again');
      }, PATIENTLY)
      .toBe(true);
    for (let n = 0; n < 40; n++) await put(`after ${n}`);
    cutPower(disk.path);
    await server.end('SIGKILL');
    // Workers end when they notice that they are alone.
    await expect.poll(() => isUnmounted(disk), PATIENTLY).toBe(true);
    disk.mount();

    expect(acknowledged.length).toBeGreaterThan(11);
    const { code, lost } = await recover(directory, '--full');
    expect([code, lost]).toEqual([0, []]);
    server = await startForTest(directory);
    for (const name of acknowledged) {
      expect((await getFile(server.port, name)).body, name).toEqual(contentOf(name));
    }
    await server.end();
  });

  it.each([
    [[]],
    [['--workers', '2']],
  ])('I9: the journal begins anew, and a checkpoint makes up for what it may lack (%s)', async (flags) => {
    const disk = makeExt4(64, '-b', '4096');
    const directory = temporaryDirectory();
    await (await startForTest(directory)).end();
    rmdirSync(join(directory, 'journal'));
    symlinkSync(disk.path, join(directory, 'journal'));
    const server = await startForTest(directory, ...flags);
    expect(await stores(server.port, 'before')).toBe(true);
    const restore = failBehind(disk, journalPath(disk.path, 1));
    for (let n = 0; n < 5; n++) expect(await stores(server.port, `meanwhile ${n}`)).toBe(true);
    await expect.poll(server.log, PATIENTLY).toMatch(/EIO.*fdatasync.*background work failed/);
    restore();
    const checkpoints = new CheckpointDirectory(join(directory, 'checkpoints'));
    await expect.poll(() => checkpoints.list(), PATIENTLY).not.toEqual([]);
    for (let n = 0; n < 5; n++) expect(await stores(server.port, `after ${n}`)).toBe(true);
    expect(await server.end()).toBe(0);
    cutPower(disk.path);
    disk.unmount();
    disk.mount();

    const { path, lost, skipped } = await rebuild(directory);
    expect([lost, skipped]).toEqual([[], []]);
    expect(await environmentRows(path)).toEqual(await environmentRows(join(directory, 'metadata')));
  });

  it('I9: no process counts as synced what another could not sync, nor writes behind it', async () => {
    const disk = makeExt4(16, '-b', '4096');
    const broken: unknown[] = [];
    const writer = () => {
      const journal = new JournalWriter({
        directory: disk.path,
        fileBytes: 2 ** 20,
        durable: true,
        onError: () => undefined,
        onBroken: () => broken.push(journal),
      });
      onTestFinished(() => journal.close());
      return journal;
    };
    const change = (length: number): JournalChange => ({
      event: undefined,
      rows: [{ kind: 'put', table: 1, key: Buffer.from('key'), value: Buffer.alloc(length, 'x') }],
    });
    const first = writer();
    const other = writer();
    let state = first.append(EMPTY_STATE, [change(100)]);
    state = other.append(state, [change(100)]);
    await Promise.all([first.sync(), other.sync()]);
    state = first.append(state, [change(100)]);
    const { synced } = state;
    expect(synced).toBeGreaterThan(0);

    const restore = failBehind(disk, journalPath(disk.path, state.file));
    state = first.append(state, [change(10_000)]);
    await expect(first.sync()).rejects.toThrow(/EIO/);
    restore();
    expect(broken).toEqual([first]);
    // One that starts now, one that knows the file already, and the one that saw it.
    const started = writer();
    started.adopt(state);
    expect(started.isBroken(state)).toBe(true);
    for (const journal of [started, other, first]) {
      const next = journal.append(state, [change(100)]);
      expect(next.file).toBeGreaterThan(state.file);
      expect(next.completeSince).toBeGreaterThan(state.sequence);
    }
    expect(first.isBroken(state)).toBe(true);
    expect(statSync(journalPath(disk.path, state.file)).size).toBe(state.length);
  });
});
