import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { FileTrackerClient } from '@filetracker/client';
import { expect, it, onTestFinished } from 'vitest';
import { startServer } from '../support/server-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const USER = fileURLToPath(new URL('../support/cache-user.mjs', import.meta.url));

it('two processes with a hundred concurrent calls each share a cache: whole contents, no warning, no leftovers', async () => {
  const server = await startServer(temporaryDirectory());
  onTestFinished(async () => void (await server.end()));
  const cacheDir = temporaryDirectory();
  const scratch = temporaryDirectory();
  const client = new FileTrackerClient({ remoteUrl: server.url, localStore: 'none' });
  onTestFinished(() => client.close());
  const run = () => promisify(execFile)(process.execPath, [USER, server.url, cacheDir, scratch]);
  for (const { stdout } of await Promise.all([run(), run()])) {
    const { read, warnings } = JSON.parse(stdout) as { read: number; warnings: string[] };
    expect(warnings).toEqual([]);
    expect(read).toBeGreaterThan(20);
  }
  expect(readdirSync(join(cacheDir, 'tmp'))).toEqual([]);
  expect(readdirSync(scratch).filter((name) => name.endsWith('.tmp'))).toEqual([]);
});
