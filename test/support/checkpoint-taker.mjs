// Puts small files into one metadata store and takes a checkpoint after every few, until it is killed. Prints how many
// puts are acknowledged.
import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { LmdbMetadataStore } from '#server/metadata/lmdb/lmdb-metadata-store.js';
import { PLAIN_RULES } from '#server/metadata/rules.js';

const [directory = ''] = process.argv.slice(2);
const store = await LmdbMetadataStore.open(directory, {
  durable: true,
  rules: PLAIN_RULES,
  checkpoints: { interval: 0, journalBytes: 1 },
});
for (let n = 0; ; n++) {
  const bytes = Buffer.from(`content ${n}`.repeat(200));
  const digest = createHash('sha256').update(bytes).digest('hex');
  const file = { name: `d/${n}`, version: 1, digest, size: bytes.length };
  await store.putFile(/** @type {import('#server/metadata/metadata-store.js').FileRecord} */ (file), {
    location: { kind: 'inline', encoding: 'raw', bytes },
  });
  writeSync(1, `${n}\n`);
  if (n % 20 === 0) await store.checkpointIfDue();
}
