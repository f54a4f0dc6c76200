import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { BlobId } from '#server/blobs/blob-store.js';
import { FsBlobStore } from '#server/blobs/fs.js';
import { describeBlobStore } from '../conformance/blob-store.js';
import { cutPower, makeExt4 } from '../support/file-systems.js';
import { isRoot } from '../support/root.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const MODULE = new URL('../../packages/server/dist/blobs/fs.js', import.meta.url).href;

/** Runs `script` with a store in `directory`, in a process that is killed then; resolves with its `ids`. */
async function killedWriter<Ids extends readonly BlobId[]>(directory: string, script: string): Promise<Ids> {
  const program = `
    const { FsBlobStore } = await import(process.argv[1]);
    const directory = process.argv[2];
    const store = await FsBlobStore.open(directory, { durable: true });
    const ids = [];
    const publish = async (name) => {
      const staged = await store.stage();
      await staged.write(Buffer.from(name.padEnd(10)));
      ids.push(await staged.publish(Buffer.from(name.padEnd(32)).toString('hex')));
    };
    ${script}
    process.stdout.write(JSON.stringify(ids), () => process.kill(process.pid, 'SIGKILL'));
  `;
  const killed = promisify(execFile)(process.execPath, [
    '--input-type=module',
    '-e',
    program,
    MODULE,
    directory,
  ]);
  const { stdout } = await killed.catch((error: { stdout: string }) => error);
  return JSON.parse(stdout) as Ids;
}

describeBlobStore('a directory', async () => {
  const directory = temporaryDirectory();
  const store = await FsBlobStore.open(directory, { durable: true });
  onTestFinished(() => store.close());
  const crashedWriter = () =>
    killedWriter<[BlobId, BlobId, BlobId]>(
      directory,
      `for (const name of ['claimed', 'named', 'unnamed']) await publish(name);
       await store.claim(ids[0]);
       await (await store.stage()).write(Buffer.from('staged'));`,
    );
  return { store, crashedWriter };
});

describe.runIf(isRoot)('I1: a directory as a BlobStore, after a power cut', () => {
  /** Publishes a copy and does something with it, upon which the power goes out; returns where the store is then. */
  async function cutBehind(script: string): Promise<{ readonly store: string; readonly id: BlobId }> {
    const disk = makeExt4(32);
    const store = join(disk.path, 'store');
    mkdirSync(store);
    const [id] = await killedWriter<[BlobId]>(store, `await publish('content'); ${script}`);
    cutPower(disk.path);
    disk.unmount();
    disk.mount();
    return { store, id };
  }

  const content = 'content'.padEnd(10);

  it('has what was published', async () => {
    const { store, id } = await cutBehind('');
    expect(readFileSync(join(store, id), 'utf8')).toBe(content);
  });

  it('has nothing of what was deleted durably', async () => {
    const { store, id } = await cutBehind('await store.deleteDurably(ids);');
    expect(existsSync(join(store, id))).toBe(false);
  });

  it('has in quarantine what was put there', async () => {
    const { store, id } = await cutBehind('await store.quarantine(ids[0]);');
    expect(existsSync(join(store, id))).toBe(false);
    expect(readFileSync(join(store, 'quarantine', basename(id)), 'utf8')).toBe(content);
  });

  it('has what was mirrored before names were synced', async () => {
    const { store, id } = await cutBehind(`
      const mirrored = await FsBlobStore.open(directory + '/mirror', { durable: true });
      await store.mirror(ids[0], directory + '/mirror');
      await mirrored.syncNames();`);
    expect(readFileSync(join(store, 'mirror', id), 'utf8')).toBe(content);
  });
});
