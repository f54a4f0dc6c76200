import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { parseFileName, toVersion } from '@filetracker/protocol';
import { expect, it, onTestFinished } from 'vitest';
import { PLAIN_RULES } from '#server/metadata/rules.js';
import { openStore } from '#server/store/open-store.js';
import { incompressible } from '../support/contents.js';
import { PATIENTLY } from '../support/patiently.js';
import { isRoot } from '../support/root.js';
import { blobFiles } from '../support/store-files.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

it.runIf(isRoot)(
  'I7: a collection that fails is tried again by itself, so that its room comes back',
  async () => {
    const directory = temporaryDirectory();
    const errors: unknown[] = [];
    const opened = await openStore({
      directory,
      compressionLevel: 1,
      durable: true,
      maxFileSize: 2 ** 30,
      keepTombstones: false,
      rules: PLAIN_RULES,
      onBackgroundError: (error) => errors.push(error),
    });
    onTestFinished(() => opened.close());
    const { store } = opened;
    const name = parseFileName('a');
    await store.put({ name, version: toVersion(1), content: incompressible('a', 100_000) });
    const [copy = ''] = blobFiles(directory);
    const blobs = join(directory, dirname(copy));
    execFileSync('chattr', ['+i', blobs]);
    try {
      await store.delete(name, toVersion(2));
      await expect.poll(() => errors, PATIENTLY).toMatchObject([{ code: 'EPERM' }]);
    } finally {
      execFileSync('chattr', ['-i', blobs]);
    }
    await expect.poll(() => blobFiles(directory), PATIENTLY).toEqual([]);
  },
);
