import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { incompressible, sha256 } from '../support/contents.js';
import { deleteFile, getFile, putFile } from '../support/file-requests.js';
import { makeTmpfs } from '../support/file-systems.js';
import { Load } from '../support/load.js';
import { PATIENTLY } from '../support/patiently.js';
import { recover } from '../support/recovery.js';
import { isRoot } from '../support/root.js';
import { COMMAND, expectRefusal, run, startForTest } from '../support/server-command.js';
import { stopWhen } from '../support/stop-when.js';
import { blobFiles } from '../support/store-files.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

interface Report {
  readonly present: number;
  readonly linked: number;
  readonly copied: number;
  readonly removed: number;
}

function backUp(directory: string, target: string) {
  return run([process.execPath, COMMAND, 'backup', '--json', '-d', directory, target]);
}

async function backedUp(directory: string, target: string): Promise<Report> {
  const { code, stdout, stderr } = await backUp(directory, target);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Report;
}

const large = (seed: string) => incompressible(seed, 20_000);

describe('filetracker-server backup', () => {
  it('makes a store of its own, of hard links, and only adds what changed to an earlier one', async () => {
    const parent = temporaryDirectory();
    const [directory, target] = [join(parent, 'store'), join(parent, 'backup')];
    const server = await startForTest(directory);
    await putFile(server.port, { name: 'kept', version: 1, content: large('kept') });
    await putFile(server.port, { name: 'small', version: 1, content: Buffer.from('small') });
    await putFile(server.port, { name: 'gone', version: 1, content: large('gone') });
    expect(await backedUp(directory, target)).toMatchObject({ linked: 2, copied: 0, present: 0, removed: 0 });
    for (const path of blobFiles(target)) expect(statSync(join(target, path)).nlink).toBeGreaterThan(1);

    await deleteFile(server.port, 'gone', 2);
    await putFile(server.port, { name: 'new', version: 1, content: large('new') });
    await vi.waitFor(() => expect(blobFiles(directory)).toHaveLength(2), PATIENTLY);
    expect(await backedUp(directory, target)).toMatchObject({ linked: 1, present: 1, removed: 1 });
    await server.end();
    rmSync(directory, { recursive: true });

    const restored = await startForTest(target);
    for (const name of ['kept', 'new']) {
      expect((await getFile(restored.port, name)).body.equals(large(name))).toBe(true);
    }
    expect((await getFile(restored.port, 'small')).body.toString()).toBe('small');
    expect((await getFile(restored.port, 'gone')).status).toBe(404);
    expect(
      (await putFile(restored.port, { name: 'later', version: 1, content: large('later') })).status,
    ).toBe(200);
    expectRefusal(await backUp(target, target), /within each other/);
    await restored.end();
    expect(await recover(target, '--full')).toMatchObject({ code: 0 });
  });

  it('is whole at one moment, whatever clients do meanwhile, and can be backed up again after a server ran on it', async () => {
    const parent = temporaryDirectory();
    const [directory, target] = [join(parent, 'store'), join(parent, 'backup')];
    const server = await startForTest(directory);
    const load = new Load();
    const stop = new AbortController();
    const running = load.run(server, { clients: 6, stop: stop.signal });
    for (let round = 0; round < 3; round++) {
      await putFile(server.port, { name: `before ${round}`, version: 1, content: large(`before ${round}`) });
      const acknowledged = load.acknowledged;
      await backedUp(directory, target);
      expect(load.acknowledged).toBeGreaterThan(acknowledged);
      const found = await recover(target, '--full');
      // A content that nothing named any more at that moment is no fault.
      expect(found).toMatchObject({ code: 0, lost: [] });
      const restored = await startForTest(target);
      const { body } = await getFile(restored.port, `before ${round}`);
      expect(body.equals(large(`before ${round}`))).toBe(true);
      await putFile(restored.port, { name: 'only in the backup', version: 1, content: large('only') });
      await restored.end();
    }
    stop.abort();
    await running;
    for (let round = 0; round < 3; round++) await deleteFile(server.port, `before ${round}`, 2);
    await load.verify(server, directory);
  });

  it('refuses what is no store, and a target that is something else', async () => {
    const directory = temporaryDirectory();
    expectRefusal(await backUp(directory, join(directory, 'x')), /is not a Filetracker store/);
    const target = temporaryDirectory();
    writeFileSync(join(target, 'thesis.txt'), '');
    const server = await startForTest(join(directory, 'store'));
    await server.end();
    expectRefusal(await backUp(join(directory, 'store'), target), /neither empty nor a backup.*thesis/);
    expect(readdirSync(target)).toEqual(['thesis.txt']);
    const inside = join(directory, 'store/backup');
    expectRefusal(await backUp(join(directory, 'store'), inside), /within each other/);
    expect(existsSync(inside)).toBe(false);
  });
});

describe.runIf(isRoot)('filetracker-server backup to another file system', () => {
  it('copies', async () => {
    const directory = join(temporaryDirectory(), 'store');
    const target = join(makeTmpfs(50).path, 'backup');
    const server = await startForTest(directory);
    await putFile(server.port, { name: 'a', version: 1, content: large('a') });
    expect(await backedUp(directory, target)).toMatchObject({ copied: 1, linked: 0 });
    expect(await backedUp(directory, target)).toMatchObject({ copied: 0, present: 1 });
    const restored = await startForTest(target);
    expect((await getFile(restored.port, 'a')).body.equals(large('a'))).toBe(true);
    await restored.end('SIGKILL');
  });

  it('that is killed leaves nothing that the next one, or a server that runs on it, does not remove', async () => {
    const directory = join(temporaryDirectory(), 'store');
    const target = join(makeTmpfs(200).path, 'backup');
    const server = await startForTest(directory);
    await putFile(server.port, { name: 'a', version: 1, content: large('a') });
    await backedUp(directory, target);
    const content = incompressible('much', 50_000_000);
    await putFile(server.port, { name: 'much', version: 1, content });
    const staged = () => readdirSync(join(target, 'tmp')).filter((name) => name.endsWith('.tmp'));
    const cut = async () => {
      const command = [COMMAND, 'backup', '-d', directory, target];
      for (;;) {
        const child = spawn(process.execPath, command, { stdio: 'ignore' });
        const exited = once(child, 'exit');
        if (await stopWhen(child, () => staged().length > 0)) {
          child.kill('SIGKILL');
          await exited;
          break;
        }
        // A copy is made in milliseconds, in which a busy machine may not look: once more.
        const [made = ''] = blobFiles(target).filter((path) => path.includes(sha256(content)));
        rmSync(join(target, made));
      }
      expect(staged()).toHaveLength(1);
    };
    await cut();
    const restored = await startForTest(target);
    expect(staged()).toEqual([]);
    expect((await getFile(restored.port, 'a')).body.equals(large('a'))).toBe(true);
    await restored.end();
    await cut();
    expect(await backedUp(directory, target)).toMatchObject({ copied: 1, present: 1 });
    expect(readdirSync(join(target, 'tmp'))).toEqual([]);
    expect(await recover(target, '--full')).toMatchObject({ code: 0 });
  });

  it('says when there is no room, and leaves what was there before', async () => {
    const directory = join(temporaryDirectory(), 'store');
    const target = join(makeTmpfs(6).path, 'backup');
    const server = await startForTest(directory);
    await putFile(server.port, { name: 'a', version: 1, content: Buffer.from('a') });
    await backedUp(directory, target);
    const content = incompressible('much', 8_000_000);
    await putFile(server.port, { name: 'much', version: 1, content });
    expectRefusal(await backUp(directory, target), /no space is left for the backup in .*backup; what was/);
    expect(readdirSync(join(target, 'tmp'))).toEqual([]);
    expect(await recover(target, '--full', '--dry-run')).toMatchObject({ code: 0 });
  });

  it('says when there is no room for the metadata', async () => {
    const directory = join(temporaryDirectory(), 'store');
    const server = await startForTest(directory);
    for (let number = 0; number < 500; number++) {
      const content = incompressible(`small ${number}`, 4000);
      await putFile(server.port, { name: `${number}`, version: 1, content });
    }
    const target = join(makeTmpfs(1).path, 'backup');
    expectRefusal(await backUp(directory, target), /no space is left for the backup in .*backup; what was/);
  });
});
