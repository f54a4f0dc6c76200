import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { incompressible, sha256 } from '../support/contents.js';
import { fileTarget, getFile, putFile } from '../support/file-requests.js';
import { PATIENTLY } from '../support/patiently.js';
import { rawExchange } from '../support/raw-http.js';
import { blobFiles } from '../support/store-files.js';
import { suiteServer } from '../support/suite-server.js';

const FRAME_BYTES = 512 * 1024;
const server = suiteServer();

/** Contents of one frame and of several; each test has its own. */
const contents = {
  single: incompressible('', 0),
  several: incompressible('', 0),
  healthy: incompressible('', 0),
};
let round = 0;

beforeEach(async () => {
  round++;
  contents.single = incompressible(`single ${round}`, 100_000);
  contents.several = incompressible(`several ${round}`, 5 * FRAME_BYTES + 1000);
  contents.healthy = incompressible(`healthy ${round}`, 2 * FRAME_BYTES);
  for (const [name, content] of Object.entries(contents)) {
    const { status } = await putFile(server.port, { name, version: round, content });
    if (status !== 200) throw new Error(`the upload got status ${status}`);
  }
});

function blobOf(content: Uint8Array): string {
  const blob = blobFiles(server.directory).find((path) => path.includes(sha256(content)));
  if (blob === undefined) throw new Error('the content has no blob');
  return join(server.directory, blob);
}

/** Flips one bit, `offset` bytes into the blob; from its end if negative. */
function flipBit(content: Uint8Array, offset: number): void {
  const bytes = readFileSync(blobOf(content));
  const at = offset < 0 ? bytes.length + offset : offset;
  bytes[at] = (bytes[at] ?? 0) ^ 0x10;
  writeFileSync(blobOf(content), bytes);
}

/** The file is refused by its digest, the log says so, and everything else is served. */
async function expectRefused(name: 'single' | 'several'): Promise<void> {
  const digest = sha256(contents[name]);
  const reply = await getFile(server.port, name);
  expect(reply.status).toBe(500);
  expect(reply.headers.get('x-exception')).toContain(digest);
  await vi.waitFor(() => expect(server.process.log().includes(digest)).toBe(true), PATIENTLY);
  const healthy = await getFile(server.port, 'healthy');
  expect(healthy.body.equals(contents.healthy)).toBe(true);
}

describe('a blob that is damaged on disk', () => {
  it('is refused when it is missing', async () => {
    unlinkSync(blobOf(contents.single));
    unlinkSync(blobOf(contents.several));
    await expectRefused('single');
    await expectRefused('several');
  });

  it('is refused with a bit flipped in a content of one frame', async () => {
    flipBit(contents.single, 50_000);
    await expectRefused('single');
  });

  it('is refused with a bit flipped in the first of several frames', async () => {
    flipBit(contents.several, 1000);
    await expectRefused('several');
  });

  it('is refused with a bit flipped in the seek table', async () => {
    flipBit(contents.several, -1);
    await expectRefused('several');
    flipBit(contents.several, -1);
    flipBit(contents.several, -25);
    await expectRefused('several');
  });

  it('is refused when it was cut short', async () => {
    writeFileSync(blobOf(contents.single), readFileSync(blobOf(contents.single)).subarray(0, -1));
    writeFileSync(blobOf(contents.several), Buffer.alloc(0));
    await expectRefused('single');
    await expectRefused('several');
  });

  it.each([1, 2, 4])('ends the connection short with a bit flipped in frame %i', async (frame) => {
    flipBit(contents.several, frame * FRAME_BYTES + 1000);
    // What answers the second request must not pass for the rest of the first one's content.
    const requests = ['several', 'healthy'].map(
      (name) => `GET ${fileTarget(name)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    );
    const { status, headers, body } = await rawExchange(server.port, Buffer.from(requests.join('')));
    expect(status).toBe(200);
    expect(headers.get('content-length')).toBe(String(contents.several.length));
    expect(body.length).toBeLessThan(contents.several.length);
    expect(contents.several.subarray(0, body.length).equals(body)).toBe(true);
    await vi.waitFor(
      () => expect(server.process.log().includes(sha256(contents.several))).toBe(true),
      PATIENTLY,
    );
    expect((await getFile(server.port, 'healthy')).body.equals(contents.healthy)).toBe(true);
  });
});

describe('uploading a content again', () => {
  it('heals one whose blob is missing, for every name that has it', async () => {
    const content = contents.several;
    await putFile(server.port, { name: 'twin', version: round, content });
    unlinkSync(blobOf(content));
    expect((await getFile(server.port, 'twin')).status).toBe(500);
    const digest = sha256(content);
    for (const headers of [[], [['SHA256-Checksum', digest]]] as const) {
      const reply = await putFile(server.port, { name: 'several', version: round, content, headers });
      expect(reply.status).toBe(200);
      expect((await getFile(server.port, 'several')).body.equals(content)).toBe(true);
      expect((await getFile(server.port, 'twin')).body.equals(content)).toBe(true);
      unlinkSync(blobOf(content));
    }
  });
});
