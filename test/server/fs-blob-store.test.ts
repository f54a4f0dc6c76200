import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import type { BlobId } from '#server/blobs/blob-store.js';
import { FsBlobStore } from '#server/blobs/fs.js';
import { describeBlobStore } from '../conformance/blob-store.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const MODULE = new URL('../../packages/server/dist/blobs/fs.js', import.meta.url).href;

const WRITER = `
  const { FsBlobStore } = await import(process.argv[1]);
  const store = await FsBlobStore.open(process.argv[2], { durable: true });
  const ids = [];
  for (const name of ['claimed', 'named', 'unnamed']) {
    const staged = await store.stage();
    await staged.write(Buffer.from(name.padEnd(10)));
    ids.push(await staged.publish(Buffer.from(name.padEnd(32)).toString('hex')));
  }
  await store.claim(ids[0]);
  await (await store.stage()).write(Buffer.from('staged'));
  process.stdout.write(JSON.stringify(ids), () => process.kill(process.pid, 'SIGKILL'));
`;

describeBlobStore('a directory', async () => {
  const directory = temporaryDirectory();
  const store = await FsBlobStore.open(directory, { durable: true });
  onTestFinished(() => store.close());
  const crashedWriter = async () => {
    const killed = promisify(execFile)(process.execPath, [
      '--input-type=module',
      '-e',
      WRITER,
      MODULE,
      directory,
    ]);
    const { stdout } = await killed.catch((error: { stdout: string }) => error);
    return JSON.parse(stdout) as [BlobId, BlobId, BlobId];
  };
  return { store, crashedWriter };
});
