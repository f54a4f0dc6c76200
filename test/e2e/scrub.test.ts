import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { incompressible, sha256 } from '../support/contents.js';
import { deleteFile, putFile } from '../support/file-requests.js';
import { flipBit } from '../support/recovery.js';
import { startForTest } from '../support/server-command.js';
import { blobFiles } from '../support/store-files.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

interface Status {
  readonly damaged_contents: number;
  readonly last_scrub?: string;
}

const WAIT = { timeout: 60_000, interval: 100 };

it('damage is found in the background, told in log, status and metrics, and forgotten with the content', async () => {
  const directory = temporaryDirectory();
  const server = await startForTest(directory, '--scrub-interval', '1s');
  const status = async () => (await (await fetch(`${server.url}/status`)).json()) as Status;
  for (const name of ['sound', 'damaged']) {
    await putFile(server.port, { name, version: 1, content: incompressible(name, 30_000) });
  }
  await putFile(server.port, { name: 'small', version: 1, content: Buffer.from('small') });
  await vi.waitFor(
    async () =>
      expect(await status()).toMatchObject({
        last_scrub: expect.stringMatching(/T/) as string,
        damaged_contents: 0,
      }),
    WAIT,
  );

  const digest = sha256(incompressible('damaged', 30_000));
  flipBit(join(directory, blobFiles(directory).find((path) => path.includes(digest)) ?? ''));
  await vi.waitFor(async () => expect(await status()).toMatchObject({ damaged_contents: 1 }), WAIT);
  await expect
    .poll(server.log, WAIT)
    .toMatch(new RegExp(`"msg":"the stored content ${digest} is missing or damaged"`));
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  expect(metrics).toMatch(/^filetracker_damaged_contents 1$/m);
  expect(metrics).toMatch(/^filetracker_last_scrub_timestamp_seconds \d+/m);

  await deleteFile(server.port, 'damaged', 2);
  await vi.waitFor(async () => expect(await status()).toMatchObject({ damaged_contents: 0 }), WAIT);
  expect(await server.end()).toBe(0);
});

it('a server does not scrub when told so', async () => {
  const directory = temporaryDirectory();
  const server = await startForTest(directory, '--scrub-interval', '0');
  const reply = (await (await fetch(`${server.url}/status`)).json()) as Status;
  expect(reply).toMatchObject({ damaged_contents: 0 });
  expect(reply.last_scrub).toBeUndefined();
});
