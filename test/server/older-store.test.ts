import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseFileName, toVersion } from '@filetracker/protocol';
import { type FileStore, openStore, PLAIN_RULES } from '@filetracker/server';
import { expect, it } from 'vitest';
import { Environment } from '#server/metadata/lmdb/environment.js';
import { collect } from '../support/collect.js';
import { incompressible, sha256 } from '../support/contents.js';
import { auditMetadata } from '../support/metadata-audit.js';
import { PATIENTLY } from '../support/patiently.js';
import { blobFiles } from '../support/store-files.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/**
 * A store of format 1, written before there was a history, a journal or a quota: "small", "d/large" and "d/same" with
 * one content, "d/overwritten" in its second version, and "deleted", which was.
 */
const FIXTURE = fileURLToPath(new URL('../fixtures/format-1-store.tar.gz', import.meta.url));

async function read(store: FileStore, name: string): Promise<string> {
  const { file, content } = await store.open(parseFileName(name), () => ({ view: 'plain' as const }));
  const bytes = content instanceof Uint8Array ? content : Buffer.concat(await collect(content));
  if (!(content instanceof Uint8Array)) await content.close();
  expect(sha256(bytes)).toBe(file.digest);
  return `${file.version} ${bytes.byteLength}`;
}

it('opens a store that an older version has written, and keeps versions and quotas in it', async () => {
  const directory = temporaryDirectory();
  execFileSync('tar', ['-xzf', FIXTURE, '-C', directory]);
  const opened = await openStore({
    directory,
    compressionLevel: 3,
    durable: false,
    maxFileSize: Number.MAX_SAFE_INTEGER,
    keepTombstones: true,
    rules: {
      ...PLAIN_RULES,
      history: { keepVersions: 2, keepFor: Number.POSITIVE_INFINITY },
      quotas: [{ directory: parseFileName('d'), unit: 'bytes', most: 20_000 }],
    },
    onBackgroundError: (error) => expect.unreachable(String(error)),
  });
  const { store } = opened;
  expect(await store.status()).toMatchObject({
    files: 4,
    contents: 3,
    logicalBytes: 12_011,
    keptVersions: 0,
  });
  expect(await read(store, 'small')).toBe('1700000000 5');
  expect(await read(store, 'd/large')).toBe('1700000001 6000');
  expect(await read(store, 'd/same')).toBe('1700000002 6000');
  expect(await read(store, 'd/overwritten')).toBe('2 6');
  expect(await store.wasDeleted(parseFileName('deleted'))).toBe(true);

  const put = (name: string, content: Buffer) =>
    store.put({
      name: parseFileName(name),
      version: toVersion(1_800_000_000),
      content: (async function* () {
        yield content;
      })(),
    });
  await put('d/large', incompressible('new', 7000));
  await put('deleted', Buffer.from('back'));
  await expect
    .poll(async () => (await store.status()).quotas, PATIENTLY)
    .toMatchObject([{ used: 13_006, counting: false }]);
  await expect(put('d/more', Buffer.alloc(7000))).rejects.toMatchObject({ code: 'quota_exceeded' });
  const [versions] = await collect(await store.versions(parseFileName('d/large')));
  expect(versions?.map(({ version }) => version)).toEqual([1_800_000_000, 1_700_000_001]);
  await opened.close();

  const environment = await Environment.open(directory, { durable: false });
  const copies = auditMetadata(environment);
  await environment.close();
  expect(copies).toEqual(blobFiles(directory));
});
