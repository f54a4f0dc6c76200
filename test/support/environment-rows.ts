import { join } from 'node:path';
import { expect } from 'vitest';
import { CheckpointDirectory } from '#server/metadata/checkpoints/checkpoint-directory.js';
import { DEFAULT_CHECKPOINTS } from '#server/metadata/checkpoints/checkpointer.js';
import { LmdbMetadataStore } from '#server/metadata/lmdb/lmdb-metadata-store.js';
import { openRoot, openTable } from '#server/metadata/lmdb/open-root.js';
import { type RebuildReport, rebuildEnvironment } from '#server/metadata/lmdb/rebuild.js';
import { PLAIN_RULES, type StoreRules } from '#server/metadata/rules.js';
import { temporaryDirectory } from './temporary-directory.js';

/** The tables that make up the truth about names. */
const TABLES = ['files', 'history', 'ended', 'usage', 'contents', 'garbage', 'unnamed', 'tombstones', 'meta'];

/** Every row of an environment, but for the journal's own, which a rebuild begins anew. */
export async function environmentRows(path: string): Promise<readonly string[]> {
  const root = openRoot(path, { durable: false });
  const rows: string[] = [];
  for (const name of TABLES) {
    for (const { key, value } of openTable(root, name).getRange({})) {
      if (key.toString() !== 'journal') rows.push(`${name} ${key.toString('hex')} ${value.toString('hex')}`);
    }
  }
  await root.close();
  return rows;
}

/** With a past, so that every table has rows. */
const KEEPING: StoreRules = {
  ...PLAIN_RULES,
  history: { keepVersions: 3, keepFor: Number.POSITIVE_INFINITY },
};

/** Opens the metadata of a store past its server. */
export function openMetadata(
  directory: string,
  checkpoints = DEFAULT_CHECKPOINTS,
): Promise<LmdbMetadataStore> {
  const onError = (error: unknown) => expect(error).toBeUndefined();
  return LmdbMetadataStore.open(directory, { durable: true, rules: KEEPING, checkpoints, onError });
}

/** Builds the metadata of a store anew beside it. */
export async function rebuild(
  directory: string,
  skipDamaged = false,
): Promise<RebuildReport & { readonly path: string }> {
  const path = join(temporaryDirectory(), 'rebuilt');
  const report = await rebuildEnvironment({
    checkpoints: new CheckpointDirectory(join(directory, 'checkpoints')),
    journalDirectory: join(directory, 'journal'),
    target: path,
    skipDamaged,
  });
  return { ...report, path };
}

/** I9: checkpoint and journal of a store that no server holds give exactly what LMDB has. */
export async function expectRebuildable(directory: string): Promise<RebuildReport> {
  // What a transaction left in the journal that never committed goes with the next one that does.
  const metadata = await openMetadata(directory);
  await metadata.probe();
  await metadata.close();
  const { path, ...report } = await rebuild(directory);
  expect(await environmentRows(path)).toEqual(await environmentRows(join(directory, 'metadata')));
  return report;
}
