// One of several processes that use one metadata store at the same time: puts, deletes, expires and collects at
// random, with a file for each copy of a large content, and counts up a file that is changed only as it was read.
import { createHash, randomInt } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LmdbMetadataStore } from '#server/metadata/lmdb/lmdb-metadata-store.js';

const [directory = '', copies = '', changes = '0'] = process.argv.slice(2);
const rules = {
  history: { keepVersions: 3, keepFor: 30 },
  appendOnly: false,
  quotas: [
    { directory: /** @type {const} */ (''), unit: /** @type {const} */ ('files'), most: 1000 },
    { directory: /** @type {never} */ ('d'), unit: /** @type {const} */ ('bytes'), most: 1_000_000 },
  ],
};
const store = await LmdbMetadataStore.open(directory, { durable: false, rules });
const COUNTER = /** @type {import('@filetracker/protocol').FileName} */ ('counter');

/**
 * @param {string} name
 * @param {number} version
 * @param {string} content
 */
function file(name, version, content) {
  const digest = createHash('sha256').update(content).digest('hex');
  return /** @type {import('#server/metadata/metadata-store.js').FileRecord} */ ({
    name,
    version,
    digest,
    size: content.length,
  });
}

let copied = 0;
/** @param {string} content */
async function newCopy(content) {
  const blob = /** @type {import('#server/blobs/blob-store.js').BlobId} */ (`${process.pid}-${copied++}`);
  await writeFile(join(copies, blob), content);
  return { kind: /** @type {const} */ ('blob'), blob, storedSize: content.length };
}

async function put() {
  const content = `content ${randomInt(4)}`;
  const record = file(`d/${randomInt(3)}`, randomInt(20), content);
  const location = await newCopy(content);
  const outcome = await store.putFile(record, { location });
  if (outcome.kind !== 'stored' || !outcome.copyKept) await rm(join(copies, location.blob));
}

async function collect() {
  const unnamed = await store.collectGarbage({ limit: 10, deleted: [] });
  // Another process may be about to delete the same ones.
  await Promise.all(unnamed.map((blob) => rm(join(copies, blob), { force: true })));
  await store.collectGarbage({ limit: 10, deleted: unnamed });
  return unnamed.length;
}

/** Adds one to the counter. False when another process was faster. */
async function countUp() {
  const found = await store.findFile(COUNTER);
  const next = (found?.version ?? 0) + 1;
  const bytes = Buffer.from(`${next}`);
  const condition = found ? { ifMatch: [found.digest] } : { ifNoneMatch: /** @type {const} */ ('*') };
  const location = { kind: /** @type {const} */ ('inline'), encoding: /** @type {const} */ ('raw'), bytes };
  try {
    await store.putFile(file(COUNTER, next, `${next}`), { location, condition });
    return true;
  } catch (error) {
    if (/** @type {{ code?: string }} */ (error).code !== 'precondition_failed') throw error;
    return false;
  }
}

let counted = 0;
async function change() {
  const kind = randomInt(11);
  if (kind < 5) await put();
  else if (kind === 5) {
    const { name, version } = file(`d/${randomInt(3)}`, randomInt(20), '');
    await store.deleteFile(name, version);
  } else if (kind === 6) await store.expireHistory(5);
  else if (kind === 7) await collect();
  else if (kind === 8) await store.countForQuotas(1);
  else if (await countUp()) counted++;
}

for (let done = 0; done < Number(changes); done += 4) {
  await Promise.all(Array.from({ length: 4 }, change));
}
while (await store.countForQuotas(1)) await change();
while ((await collect()) > 0);
await store.close();
process.stdout.write(String(counted));
