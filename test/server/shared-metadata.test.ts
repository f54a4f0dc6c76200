import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseFileName } from '@filetracker/protocol';
import { expect, it } from 'vitest';
import { Environment } from '#server/metadata/lmdb/environment.js';
import { LmdbMetadataStore } from '#server/metadata/lmdb/lmdb-metadata-store.js';
import { PLAIN_RULES } from '#server/metadata/rules.js';
import { auditMetadata } from '../support/metadata-audit.js';
import { rounds } from '../support/rounds.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const USER = fileURLToPath(new URL('../support/metadata-user.mjs', import.meta.url));
const PROCESSES = 4;

it('I4: processes that share a store lose no change and no copy, and leave none behind', async () => {
  const directory = temporaryDirectory();
  const copies = join(directory, 'copies');
  mkdirSync(copies);
  const users = Array.from({ length: PROCESSES }, () =>
    promisify(execFile)(process.execPath, [USER, join(directory, 'metadata'), copies, `${rounds(1200)}`]),
  );
  const counted = (await Promise.all(users)).map(({ stdout }) => Number(stdout));

  const store = LmdbMetadataStore.open(join(directory, 'metadata'), { durable: false, rules: PLAIN_RULES });
  const total = counted.reduce((sum, count) => sum + count, 0);
  expect(total).toBeGreaterThan(0);
  expect(await store.findFile(parseFileName('counter'))).toMatchObject({ version: total });
  await store.close();

  const environment = Environment.open(join(directory, 'metadata'), { durable: false });
  expect(auditMetadata(environment)).toEqual(readdirSync(copies).toSorted());
  await environment.close();
}, 60_000);
